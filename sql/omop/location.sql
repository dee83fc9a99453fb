-- One row per municipality, in its newest name; nobody's address, nor a postal code.
with
newest as (
    select
        municipality_code,
        name_fi,
        row_number() over (
            partition by municipality_code order by valid_from_date desc
        ) as version_rank
    from release.municipality
)

select
    row_number() over (order by municipality_code) as location_id,
    substr(name_fi, 1, 50) as city,
    municipality_code as location_source_value,
    0 as country_concept_id,
    'FI' as country_source_value
from newest
where version_rank = 1
