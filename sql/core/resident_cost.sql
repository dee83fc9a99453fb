-- grain: One row per month, municipality, age, sex and service package, over its residents.
-- key: [cost_month, municipality_code, age_years, sex_code, package_class_code]
-- partition: cost_month
-- may_be_empty: the sources may not have begun to send, or nothing may have a price
-- touched:
--   - select cost_month from changed.cost
--   - select exposure_month from changed.person_month
with
priced as (
    select
        person_id,
        cost_month,
        package_class_code,
        cast(sum(cost_eur) as decimal(18, 2)) as cost_eur,
        count(*) as event_count
    from core.cost
    where cost_eur is not null and package_class_code is not null
    group by person_id, cost_month, package_class_code
),

-- Who did not live in the area for a day of the month is no resident, and pays elsewhere.
aged as (
    select
        priced.cost_month,
        coalesce(resident.municipality_code, '') as municipality_code,
        age_years(resident.birth_date, priced.cost_month) as age_years,
        resident.sex_code,
        priced.package_class_code,
        priced.cost_eur,
        priced.event_count
    from priced
    inner join core.person_month as resident
        on priced.person_id = resident.person_id and priced.cost_month = resident.exposure_month
),

final as (
    select
        cost_month,
        municipality_code,
        age_years,
        sex_code,
        package_class_code,
        cast(sum(cost_eur) as decimal(18, 2)) as cost_eur,
        cast(sum(event_count) as bigint) as event_count
    from aged
    group by cost_month, municipality_code, age_years, sex_code, package_class_code
)

select
    cost_month,
    municipality_code,
    age_years,
    sex_code,
    package_class_code,
    cost_eur,
    event_count
from final
