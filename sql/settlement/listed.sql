-- Who is on whose list, day by day: one row per person, place and stretch of days of one age band.
-- Days of a choice outside the area, or of somebody the register does not list, are rows too: what
-- is not paid is told.
with
chosen as (
    select
        month.list_month,
        choice.person_id,
        choice.provider_id,
        choice.site_id,
        greatest(choice.from_date, month.list_month) as from_date,
        least(coalesce(choice.to_date, month.end_date), month.end_date) as to_date
    from settle.choice as choice
    inner join settle.month as month on choice.list_month = month.list_month
),

lived as (
    select
        month.list_month,
        month.end_date,
        stay.person_id,
        stay.municipality_code,
        greatest(stay.from_date, month.list_month) as from_date,
        least(coalesce(stay.to_date, month.end_date), month.end_date) as to_date
    from settle.stay as stay
    inner join settle.month as month
        on
            stay.from_date < month.end_date
            and (stay.to_date is null or stay.to_date > month.list_month)
),

-- Days without a choice belong to the public station of the municipality, where that is asked for.
-- Most people have one choice for the whole month: only the others are looked at closely.
whole_month as (
    select
        chosen.list_month,
        chosen.person_id
    from chosen
    inner join settle.month as month
        on
            chosen.list_month = month.list_month
            and chosen.from_date = month.list_month
            and chosen.to_date = month.end_date
),

bounded as (
    select
        chosen.list_month,
        chosen.person_id,
        chosen.from_date,
        chosen.to_date
    from chosen
    anti join whole_month
        on
            chosen.list_month = whole_month.list_month
            and chosen.person_id = whole_month.person_id
    union all
    select distinct
        lived.list_month,
        lived.person_id,
        lived.end_date as from_date,
        lived.end_date as to_date
    from lived
    anti join whole_month
        on
            lived.list_month = whole_month.list_month
            and lived.person_id = whole_month.person_id
),

unchosen as (
    select
        bounded.list_month,
        bounded.person_id,
        lag(bounded.to_date, 1, bounded.list_month) over (
            partition by bounded.list_month, bounded.person_id
            order by bounded.from_date, bounded.to_date
        ) as from_date,
        bounded.from_date as to_date
    from bounded
    inner join settle.month as month on bounded.list_month = month.list_month
    where month.is_shadow_for_public
),

owned as (
    select
        list_month,
        person_id,
        true as is_chosen,
        provider_id,
        site_id,
        from_date,
        to_date
    from chosen
    union all
    select
        list_month,
        person_id,
        false as is_chosen,
        cast(null as varchar) as provider_id,
        cast(null as varchar) as site_id,
        from_date,
        to_date
    from unchosen
    where from_date < to_date
),

resident as (
    select
        owned.list_month,
        owned.person_id,
        owned.is_chosen,
        owned.provider_id,
        owned.site_id,
        owned.from_date as owned_from_date,
        lived.municipality_code,
        greatest(owned.from_date, lived.from_date) as from_date,
        least(owned.to_date, lived.to_date) as to_date
    from owned
    inner join lived
        on
            owned.list_month = lived.list_month
            and owned.person_id = lived.person_id
            and owned.from_date < lived.to_date
            and owned.to_date > lived.from_date
),

-- Everybody turns once a month at most; who was born on the first has turned when it begins, and
-- who was born on 29 February turns on 1 March in common years.
turning as (
    select
        resident.*,
        person.birth_date,
        person.sex_code,
        case
            when
                month(person.birth_date) = month(resident.list_month)
                and day(person.birth_date) <= day(last_day(resident.list_month))
                then resident.list_month + (cast(day(person.birth_date) as integer) - 1)
        end as turn_date
    from resident
    -- A stay comes from a register row, and so does the person: the join loses nobody.
    inner join core.person as person on resident.person_id = person.person_id
),

stretch as (
    select
        list_month,
        person_id,
        is_chosen,
        provider_id,
        site_id,
        municipality_code,
        birth_date,
        sex_code,
        from_date,
        case when turn_date > from_date and turn_date < to_date then turn_date else to_date end
            as to_date
    from turning
    union all
    select
        list_month,
        person_id,
        is_chosen,
        provider_id,
        site_id,
        municipality_code,
        birth_date,
        sex_code,
        turn_date as from_date,
        to_date
    from turning
    where turn_date > from_date and turn_date < to_date
),

aged as (
    select
        *,
        cast(
            age_years(birth_date, from_date) as integer
        ) as age_years
    from stretch
),

placed as (
    select
        aged.list_month,
        aged.person_id,
        aged.is_chosen,
        coalesce(aged.provider_id, station.provider_id) as provider_id,
        coalesce(aged.site_id, station.site_id) as site_id,
        aged.municipality_code,
        aged.sex_code,
        aged.age_years,
        aged.from_date,
        date_diff('day', aged.from_date, aged.to_date) as person_days
    from aged
    left join settle.station as station
        on
            aged.list_month = station.list_month
            and case when not aged.is_chosen then aged.municipality_code end
            = station.municipality_code
),

-- Choices less the days lived in the area: nobody drops out.
present as (
    select
        list_month,
        person_id,
        owned_from_date,
        sum(date_diff('day', from_date, to_date)) as person_days
    from resident
    where is_chosen
    group by list_month, person_id, owned_from_date
),

missing as (
    select
        chosen.list_month,
        chosen.person_id,
        chosen.provider_id,
        chosen.site_id,
        chosen.from_date,
        date_diff('day', chosen.from_date, chosen.to_date)
        - coalesce(present.person_days, 0) as person_days
    from chosen
    left join present
        on
            chosen.list_month = present.list_month
            and chosen.person_id = present.person_id
            and chosen.from_date = present.owned_from_date
),

final as (
    select
        placed.list_month,
        case
            when placed.age_years < month.adults_from_age then 'under_age'
            when placed.provider_id is null and placed.municipality_code is not null
                then 'no_station'
            when placed.provider_id is null then 'hidden'
            else 'paid'
        end as status_code,
        placed.person_id,
        placed.from_date,
        placed.provider_id,
        placed.site_id,
        tariff.age_from,
        placed.sex_code,
        placed.municipality_code,
        coalesce(
            provider.is_public and month.is_shadow_for_public, not placed.is_chosen
        ) as is_shadow,
        placed.person_days
    from placed
    inner join settle.month as month on placed.list_month = month.list_month
    left join settle.provider as provider on placed.provider_id = provider.provider_id
    left join settle.tariff as tariff
        on
            placed.list_month = tariff.list_month
            and placed.sex_code = tariff.sex_code
            and placed.age_years >= tariff.age_from
            and placed.age_years <= tariff.age_to
    union all
    select
        missing.list_month,
        case
            when person.person_id is null then 'not_listed'
            when person.death_date < missing.list_month + interval 1 month then 'deceased'
            else 'moved_away'
        end as status_code,
        missing.person_id,
        missing.from_date,
        missing.provider_id,
        missing.site_id,
        cast(null as integer) as age_from,
        cast(null as varchar) as sex_code,
        cast(null as varchar) as municipality_code,
        coalesce(provider.is_public and month.is_shadow_for_public, false) as is_shadow,
        missing.person_days
    from missing
    inner join settle.month as month on missing.list_month = month.list_month
    left join settle.provider as provider on missing.provider_id = provider.provider_id
    left join core.person as person on missing.person_id = person.person_id
    where missing.person_days > 0
)

select
    list_month,
    status_code,
    person_id,
    from_date,
    provider_id,
    site_id,
    age_from,
    sex_code,
    municipality_code,
    is_shadow,
    cast(1 as bigint) as person_count,
    cast(person_days as bigint) as person_days
from final
