-- grain: One row per calendar year, service, provider with a list, and sector.
-- key: [calendar_year, service_code, provider_id, sector]
-- purpose: knowledge management
-- may_be_empty: choice may not have begun, or the published model not have been delivered
with
-- Days of those who chose, where they lived; who lives in no known place has no county to go by.
listed as (
    select
        year(person_month.exposure_month) as calendar_year,
        enrolment.service_code,
        enrolment.provider_id,
        municipality.county_name as area_name,
        person_month.sex_code,
        age_years(person_month.birth_date, person_month.exposure_month) as age_years,
        least(
            person_month.resident_days,
            date_diff(
                'day',
                greatest(enrolment.valid_from_date, person_month.exposure_month),
                least(
                    coalesce(enrolment.valid_to_date, date '9999-12-31'),
                    cast(person_month.exposure_month + interval 1 month as date)
                )
            )
        ) as listed_days
    from core.enrolment as enrolment
    inner join core.person_month as person_month
        on
            enrolment.person_id = person_month.person_id
            and enrolment.valid_from_date < person_month.exposure_month + interval 1 month
            and (
                enrolment.valid_to_date is null
                or enrolment.valid_to_date > person_month.exposure_month
            )
    inner join core.municipality as municipality
        on person_month.municipality_code = municipality.municipality_code
    where enrolment.known_to_seq is null and enrolment.provider_id is not null
),

-- The model of older people's care is of those of 65 and more.
cell as (
    select
        listed.calendar_year,
        listed.service_code,
        listed.provider_id,
        sector.sector,
        listed.area_name,
        listed.sex_code,
        listed.age_years,
        cast(sum(listed.listed_days) as bigint) as listed_days
    from listed
    cross join (values ('health'), ('social'), ('elderly')) as sector (sector)
    where sector.sector <> 'elderly' or listed.age_years >= 65
    group by
        listed.calendar_year,
        listed.service_code,
        listed.provider_id,
        sector.sector,
        listed.area_name,
        listed.sex_code,
        listed.age_years
),

list as (
    select
        calendar_year,
        service_code,
        provider_id,
        sector,
        cast(sum(listed_days) as bigint) as listed_days
    from cell
    group by calendar_year, service_code, provider_id, sector
),

calendar_year as (
    select distinct calendar_year
    from list
),

model_year as (
    select distinct model_year
    from mart.need_by_county
),

-- The newest model there is for the year; of years before the first, the first.
model as (
    select
        calendar_year.calendar_year,
        coalesce(
            max(model_year.model_year) filter (
                where model_year.model_year <= calendar_year.calendar_year
            ),
            min(model_year.model_year)
        ) as need_model_year
    from calendar_year
    cross join model_year
    group by calendar_year.calendar_year
),

need as (
    select
        model_year,
        area_name,
        'health' as sector,
        need_health_eur as need_eur,
        1.0 as share_of_residents
    from mart.need_by_county
    union all
    select
        model_year,
        area_name,
        'social' as sector,
        need_social_eur as need_eur,
        1.0 as share_of_residents
    from mart.need_by_county
    union all
    select
        model_year,
        area_name,
        'elderly' as sector,
        need_elderly_eur as need_eur,
        share_65plus as share_of_residents
    from mart.need_by_county
),

coefficient as (
    select
        model_year,
        area_name,
        variable_number,
        'health' as sector,
        beta_health as beta
    from core.need_variable_mean
    union all
    select
        model_year,
        area_name,
        variable_number,
        'social' as sector,
        beta_social as beta
    from core.need_variable_mean
    union all
    select
        model_year,
        area_name,
        variable_number,
        'elderly' as sector,
        beta_elderly as beta
    from core.need_variable_mean
),

-- What the ages and sexes of an area weigh in its need: coefficient times mean.
age_need as (
    select
        variable.model_year,
        variable.area_name,
        variable.variable_number,
        variable.variable_mean,
        coefficient.sector,
        coefficient.beta,
        named.age_from,
        named.age_to,
        named.sex_code
    from core.need_variable_mean as variable
    inner join rulebook.need_variable_age as named
        on
            variable.variable_number = named.variable_number
            and variable.model_year = year(named.valid_from_date)
    inner join coefficient
        on
            variable.model_year = coefficient.model_year
            and variable.area_name = coefficient.area_name
            and variable.variable_number = coefficient.variable_number
    where coefficient.beta is not null
),

-- The counties' need, by where the list's people live, with their own ages and sexes in place of
-- the counties'.
by_county as (
    select
        cell.calendar_year,
        cell.service_code,
        cell.provider_id,
        cell.sector,
        cell.area_name,
        model.need_model_year,
        sum(cell.listed_days) as listed_days
    from cell
    inner join model on cell.calendar_year = model.calendar_year
    group by
        cell.calendar_year,
        cell.service_code,
        cell.provider_id,
        cell.sector,
        cell.area_name,
        model.need_model_year
),

county_part as (
    select
        by_county.calendar_year,
        by_county.service_code,
        by_county.provider_id,
        by_county.sector,
        by_county.need_model_year,
        sum(cast(by_county.listed_days as double) * need.need_eur) as need_days
    from by_county
    inner join need
        on
            by_county.need_model_year = need.model_year
            and by_county.area_name = need.area_name
            and by_county.sector = need.sector
    group by
        by_county.calendar_year,
        by_county.service_code,
        by_county.provider_id,
        by_county.sector,
        by_county.need_model_year
),

county_ages as (
    select
        by_county.calendar_year,
        by_county.service_code,
        by_county.provider_id,
        by_county.sector,
        sum(cast(by_county.listed_days as double) * age_need.beta * age_need.variable_mean)
            as need_days
    from by_county
    inner join age_need
        on
            by_county.need_model_year = age_need.model_year
            and by_county.area_name = age_need.area_name
            and by_county.sector = age_need.sector
    group by
        by_county.calendar_year,
        by_county.service_code,
        by_county.provider_id,
        by_county.sector
),

own_ages as (
    select
        cell.calendar_year,
        cell.service_code,
        cell.provider_id,
        cell.sector,
        sum(cast(cell.listed_days as double) * age_need.beta) as need_days
    from cell
    inner join model on cell.calendar_year = model.calendar_year
    inner join age_need
        on
            model.need_model_year = age_need.model_year
            and age_need.area_name = 'Koko maa'
            and cell.sector = age_need.sector
            and cell.age_years between age_need.age_from and age_need.age_to
            and (age_need.sex_code = 'any' or cell.sex_code = age_need.sex_code)
    group by cell.calendar_year, cell.service_code, cell.provider_id, cell.sector
),

final as (
    select
        county_part.calendar_year,
        county_part.service_code,
        county_part.provider_id,
        county_part.sector,
        county_part.need_model_year,
        list.listed_days,
        (
            county_part.need_days
            - coalesce(county_ages.need_days, 0)
            + coalesce(own_ages.need_days, 0)
        ) / list.listed_days as need_eur,
        country.need_eur as national_need_eur,
        cast(list.listed_days as double) / everybody.listed_days / country.share_of_residents
            as relative_share
    from county_part
    inner join list
        on
            county_part.calendar_year = list.calendar_year
            and county_part.service_code = list.service_code
            and county_part.provider_id = list.provider_id
            and county_part.sector = list.sector
    inner join list as everybody
        on
            list.calendar_year = everybody.calendar_year
            and list.service_code = everybody.service_code
            and list.provider_id = everybody.provider_id
            and everybody.sector = 'health'
    inner join need as country
        on
            county_part.need_model_year = country.model_year
            and county_part.sector = country.sector
            and country.area_name = 'Koko maa'
    left join county_ages
        on
            county_part.calendar_year = county_ages.calendar_year
            and county_part.service_code = county_ages.service_code
            and county_part.provider_id = county_ages.provider_id
            and county_part.sector = county_ages.sector
    left join own_ages
        on
            county_part.calendar_year = own_ages.calendar_year
            and county_part.service_code = own_ages.service_code
            and county_part.provider_id = own_ages.provider_id
            and county_part.sector = own_ages.sector
)

select
    calendar_year,
    service_code,
    provider_id,
    sector,
    need_model_year,
    listed_days,
    round(need_eur, 9) as need_eur,
    -- Older people's care counts also by how many of the list are old.
    round(need_eur / national_need_eur * relative_share, 9) as need_coefficient
from final
