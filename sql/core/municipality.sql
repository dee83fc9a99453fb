-- grain: One row per municipality, as its newest dated entry has it.
-- key: [municipality_code]
with
newest as (
    select *
    from current.municipalities
    qualify row_number() over (
        partition by municipality_code order by valid_from_date desc
    ) = 1
)

select
    municipality_code,
    name_fi,
    name_sv,
    region_code,
    region_name,
    county_code,
    county_name,
    is_trial_area,
    valid_from_date,
    valid_to_date
from newest
