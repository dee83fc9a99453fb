-- grain: One row per year, area, age and sex, as Statistics Finland published it.
-- key: [statistics_year, area_name, age_years, sex_code]
-- may_be_empty: the published file may not have been delivered
with
by_age as (
    select
        cast(delivery_sequence as integer) as statistics_year,
        area_name,
        -- "100 -" is 100 years and over; the row "Yhteensä" is a total, checked against these.
        cast(replace(age_label, ' -', '') as integer) as age_years,
        age_label = '100 -' as is_and_over,
        male_count,
        female_count
    from effective.population
    where age_label <> 'Yhteensä'
)

select
    statistics_year,
    area_name,
    age_years,
    is_and_over,
    '1' as sex_code,
    male_count as person_count
from by_age
union all
select
    statistics_year,
    area_name,
    age_years,
    is_and_over,
    '2' as sex_code,
    female_count as person_count
from by_age
