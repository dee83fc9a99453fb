-- grain: One row per month, municipality, age and sex, over those who lived there.
-- key: [exposure_month, municipality_code, age_years, sex_code]
-- partition: exposure_month
-- touched:
--   - select exposure_month from changed.person_month
--   - >-
--     select register_month.exposure_month
--     from core.register_month as register_month
--     inner join changed.expected_cost as expected_cost
--     on register_month.exposure_month >= expected_cost.index_month
--     and register_month.exposure_month < expected_cost.index_month + interval 3 month
with
resident as (
    select
        person_month.exposure_month,
        -- A protected person lives in the area and nowhere narrower.
        coalesce(person_month.municipality_code, '') as municipality_code,
        -- Completed years on the month's first day; a child born in the month is nought.
        age_years(person_month.birth_date, person_month.exposure_month) as age_years,
        person_month.sex_code,
        person_month.resident_days,
        -- Who moved in during the quarter has no history, and the need of their age and sex.
        coalesce(expected_cost.relative_need, 1) as relative_need
    from core.person_month as person_month
    left join core.expected_cost as expected_cost
        on
            person_month.person_id = expected_cost.person_id
            and cast(date_trunc('quarter', person_month.exposure_month) as date)
            = expected_cost.index_month
),

final as (
    select
        exposure_month,
        municipality_code,
        age_years,
        sex_code,
        cast(sum(resident_days) as bigint) as person_days,
        cast(sum(resident_days * relative_need) as decimal(18, 8)) as need_days
    from resident
    group by exposure_month, municipality_code, age_years, sex_code
)

select
    exposure_month,
    municipality_code,
    age_years,
    sex_code,
    person_days,
    need_days
from final
