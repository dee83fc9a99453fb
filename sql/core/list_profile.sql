-- grain: >-
--   One row per month, service, provider, municipality, age band, sex and country of birth of the
--   enrolled, on the month's last day.
-- key:
--   [enrolment_month, service_code, provider_id, municipality_code, age_band, sex_code,
--   birth_country_group_code]
-- may_be_empty: choice may not have begun
with
month_end as (
    select distinct
        cast(date_trunc('month', covers_to_date) as date) as enrolment_month,
        covers_to_date as last_date
    from effective.delivery
    where source = 'enrolment_portal' and table_name = 'enrolments'
),

enrolled as (
    select
        month_end.enrolment_month,
        month_end.last_date,
        enrolment.person_id,
        enrolment.service_code,
        enrolment.provider_id
    from core.enrolment as enrolment
    inner join month_end
        on
            enrolment.valid_from_date <= month_end.last_date
            and (enrolment.valid_to_date is null or enrolment.valid_to_date > month_end.last_date)
    where enrolment.known_to_seq is null
),

-- The stays of the few who are enrolled, found by equality before any date is compared.
stay as (
    select
        residence.person_id,
        residence.municipality_code,
        residence.valid_from_date,
        residence.valid_to_date
    from core.residence as residence
    where
        residence.known_to_seq is null
        and residence.person_id in (select enrolled.person_id from enrolled)
),

lived as (
    select
        enrolled.person_id,
        enrolled.last_date,
        stay.municipality_code
    from enrolled
    inner join stay on enrolled.person_id = stay.person_id
    where
        stay.valid_from_date <= enrolled.last_date
        and (stay.valid_to_date is null or enrolled.last_date < stay.valid_to_date)
    group by enrolled.person_id, enrolled.last_date, stay.municipality_code
),

described as (
    select
        enrolled.enrolment_month,
        enrolled.service_code,
        enrolled.provider_id,
        lived.municipality_code,
        person.birth_date,
        enrolled.last_date,
        coalesce(person.sex_code, 'unknown') as sex_code,
        case
            when person.birth_country_code = '246' then 'finland'
            when person.birth_country_code is null then 'unknown'
            else 'abroad'
        end as birth_country_group_code
    from enrolled
    -- An enrolled person whom the register does not list still counts: nobody drops out of a list.
    left join core.person as person on enrolled.person_id = person.person_id
    left join lived
        on enrolled.person_id = lived.person_id and enrolled.last_date = lived.last_date
    -- The dead are on no list, though the portal may keep their choice open (a check counts them).
    where person.death_date is null or person.death_date > enrolled.last_date
),

aged as (
    select
        enrolment_month,
        service_code,
        provider_id,
        municipality_code,
        sex_code,
        birth_country_group_code,
        -- Age turns on the birthday, not with the birth month.
        age_years(birth_date, last_date) as age_years
    from described
),

banded as (
    select
        enrolment_month,
        service_code,
        provider_id,
        municipality_code,
        sex_code,
        birth_country_group_code,
        case
            when age_years is null then 'unknown'
            when age_years < 7 then '0-6'
            when age_years < 18 then '7-17'
            when age_years < 65 then '18-64'
            when age_years < 75 then '65-74'
            when age_years < 85 then '75-84'
            else '85+'
        end as age_band
    from aged
),

final as (
    select
        enrolment_month,
        service_code,
        provider_id,
        municipality_code,
        age_band,
        sex_code,
        birth_country_group_code,
        count(*) as person_count
    from banded
    group by
        enrolment_month,
        service_code,
        provider_id,
        municipality_code,
        age_band,
        sex_code,
        birth_country_group_code
)

select
    enrolment_month,
    service_code,
    provider_id,
    municipality_code,
    age_band,
    sex_code,
    birth_country_group_code,
    person_count
from final
