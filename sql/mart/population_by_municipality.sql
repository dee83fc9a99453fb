-- grain: One row per year and area of the published population, the file's own total beside.
-- key: [statistics_year, area_name]
-- purpose: knowledge management
-- may_be_empty: the published file may not have been delivered
with
computed as (
    select
        statistics_year,
        area_name,
        sum(case when sex_code = '1' then person_count else 0 end) as male_count,
        sum(case when sex_code = '2' then person_count else 0 end) as female_count,
        sum(person_count) as person_count,
        sum(case when age_years >= 65 then person_count else 0 end) as person_65plus_count
    from core.population_by_age
    group by statistics_year, area_name
),

stated as (
    select
        cast(delivery_sequence as integer) as statistics_year,
        area_name,
        male_count as stated_male_count,
        female_count as stated_female_count
    from effective.population
    where age_label = 'Yhteensä'
),

final as (
    select
        computed.statistics_year,
        computed.area_name,
        cast(computed.male_count as bigint) as male_count,
        cast(computed.female_count as bigint) as female_count,
        cast(computed.person_count as bigint) as person_count,
        cast(computed.person_65plus_count as bigint) as person_65plus_count,
        stated.stated_male_count,
        stated.stated_female_count
    from computed
    left join stated
        on
            computed.statistics_year = stated.statistics_year
            and computed.area_name = stated.area_name
)

select
    statistics_year,
    area_name,
    male_count,
    female_count,
    person_count,
    person_65plus_count,
    stated_male_count,
    stated_female_count
from final
