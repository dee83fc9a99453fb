-- grain: One row per quarter, attribute by which clients may be unequal, and group of it.
-- key: [quarter_start_date, attribute_code, group_code]
-- partition: quarter_start_date
-- purpose: knowledge management
-- touched:
--   - >-
--     select cast(date_trunc('quarter', register_month.exposure_month) as date)
--     from core.register_month as register_month
--     where exists (select 1 from changed.person as person group by person.person_id
--     having count(distinct coalesce(person.language_code, '-')
--     || coalesce(person.birth_country_code, '-')) > 1)
--   - select cast(date_trunc('quarter', exposure_month) as date) from changed.person_month
--   - select quarter_start_date from changed.client_quarter
with
-- Residents of the quarter's first month, each with what they used in the quarter.
resident as (
    select
        person_month.exposure_month as quarter_start_date,
        person_month.person_id,
        person_month.sex_code,
        age_years(person_month.birth_date, person_month.exposure_month) as age_years
    from core.person_month as person_month
    where month(person_month.exposure_month) in (1, 4, 7, 10)
),

described as (
    select
        resident.quarter_start_date,
        resident.sex_code,
        resident.age_years,
        case when person.language_code in ('fi', 'sv') then person.language_code else 'other' end
            as language_group_code,
        case
            when person.birth_country_code = '246' then 'finland'
            when person.birth_country_code is null then 'unknown'
            else 'abroad'
        end as birth_country_group_code,
        count(*) as person_count,
        count(client.person_id) as client_count,
        coalesce(sum(client.event_count), 0) as event_count,
        coalesce(sum(client.health_cost_eur), 0) as health_cost_eur,
        coalesce(sum(client.social_cost_eur + client.elderly_cost_eur), 0) as social_cost_eur
    from resident
    inner join core.person as person on resident.person_id = person.person_id
    left join core.client_quarter as client
        on
            resident.person_id = client.person_id
            and resident.quarter_start_date = client.quarter_start_date
    group by
        resident.quarter_start_date,
        resident.sex_code,
        resident.age_years,
        case when person.language_code in ('fi', 'sv') then person.language_code else 'other' end,
        case
            when person.birth_country_code = '246' then 'finland'
            when person.birth_country_code is null then 'unknown'
            else 'abroad'
        end
),

band as (
    select
        age_band,
        from_age_years,
        below_age_years
    from rulebook.standard_age_band
    qualify row_number() over (partition by age_band order by valid_from_date desc) = 1
),

attributed as (
    select
        described.*,
        'sex' as attribute_code,
        described.sex_code as group_code
    from described
    union all
    select
        described.*,
        'age' as attribute_code,
        band.age_band as group_code
    from described
    inner join band
        on
            described.age_years >= band.from_age_years
            and described.age_years < band.below_age_years
    union all
    select
        described.*,
        'language' as attribute_code,
        described.language_group_code as group_code
    from described
    union all
    select
        described.*,
        'birth_country' as attribute_code,
        described.birth_country_group_code as group_code
    from described
),

final as (
    select
        quarter_start_date,
        attribute_code,
        group_code,
        cast(sum(person_count) as bigint) as person_count,
        cast(sum(client_count) as bigint) as client_count,
        cast(sum(event_count) as bigint) as event_count,
        cast(sum(health_cost_eur) as decimal(18, 2)) as health_cost_eur,
        cast(sum(social_cost_eur) as decimal(18, 2)) as social_cost_eur
    from attributed
    group by quarter_start_date, attribute_code, group_code
)

select
    quarter_start_date,
    attribute_code,
    group_code,
    person_count,
    client_count,
    event_count,
    health_cost_eur,
    social_cost_eur
from final
