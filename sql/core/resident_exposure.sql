-- grain: One row per month, municipality, age and sex, over those who lived there.
-- key: [exposure_month, municipality_code, age_years, sex_code]
-- partition: exposure_month
-- touched:
--   - select exposure_month from changed.person_month
with
aged as (
    select
        exposure_month,
        -- A protected person lives in the area and nowhere narrower.
        coalesce(municipality_code, '') as municipality_code,
        -- Completed years on the month's first day; a child born in the month is nought.
        greatest(
            year(exposure_month) - year(birth_date)
            - case
                when
                    month(exposure_month) < month(birth_date)
                    or (month(exposure_month) = month(birth_date) and day(birth_date) > 1)
                    then 1
                else 0
            end,
            0
        ) as age_years,
        sex_code,
        resident_days
    from core.person_month
),

final as (
    select
        exposure_month,
        municipality_code,
        age_years,
        sex_code,
        cast(sum(resident_days) as bigint) as person_days
    from aged
    group by exposure_month, municipality_code, age_years, sex_code
)

select
    exposure_month,
    municipality_code,
    age_years,
    sex_code,
    person_days
from final
