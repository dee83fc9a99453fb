-- grain: One row per kind of use, provider with a list and period.
-- key: [use_code, provider_id, period_start_date]
-- may_be_empty: nobody may be on a list yet
with
condition as (
    select
        first_code,
        last_code,
        valid_from_date,
        lead(valid_from_date, 1, date '9999-12-31') over (
            partition by condition_code, first_code order by valid_from_date
        ) as next_from_date
    from rulebook.avoidable_admission
),

band as (
    select
        age_band,
        from_age_years,
        below_age_years,
        valid_from_date,
        lead(valid_from_date, 1, date '9999-12-31') over (
            partition by age_band order by valid_from_date
        ) as next_from_date
    from rulebook.standard_age_band
),

-- Use in months that the register covers: of others there are no residents to hold it against.
month_of_period as (
    select
        register_month.exposure_month,
        period.period_start_date,
        period.period_end_date
    from core.register_month as register_month
    inner join core.indicator_period as period
        on
            register_month.exposure_month >= period.period_start_date
            and register_month.exposure_month <= period.period_end_date
),

avoidable_episode as (
    select episode.episode_id
    from core.hospital_episode as episode
    inner join condition
        on
            substr(episode.icd10_code, 1, 3) >= condition.first_code
            and substr(episode.icd10_code, 1, 3) <= condition.last_code
            and episode.episode_date >= condition.valid_from_date
            and episode.episode_date < condition.next_from_date
    where
        episode.episode_kind_code = 'inpatient_stay'
        and episode.urgency_code in ('2', '3')
    -- A stay that two ranges hold counts once.
    group by episode.episode_id
),

used as (
    select
        'emergency' as use_code,
        encounter.person_id,
        encounter.encounter_date as used_date
    from core.encounter as encounter
    where
        encounter.site_id in (
            select site.site_id from core.site as site
            where site.service_code = 'emergency'
        )
    union all
    select
        case
            when episode.episode_kind_code = 'emergency_visit' then 'emergency'
            else 'specialised'
        end as use_code,
        episode.person_id,
        episode.episode_date as used_date
    from core.hospital_episode as episode
    union all
    select
        'avoidable_admission' as use_code,
        episode.person_id,
        episode.episode_date as used_date
    from core.hospital_episode as episode
    inner join avoidable_episode on episode.episode_id = avoidable_episode.episode_id
),

-- Completed years on the month's first day, as core.resident_exposure has them.
used_aged as (
    select
        used.use_code,
        month_of_period.period_start_date,
        used.person_id,
        used.used_date,
        person.sex_code,
        age_years(person.birth_date, month_of_period.exposure_month) as age_years
    from used
    inner join month_of_period
        on cast(date_trunc('month', used.used_date) as date) = month_of_period.exposure_month
    -- Who is not in the register has no age to standardise by.
    inner join core.person as person on used.person_id = person.person_id
),

used_in_region as (
    select
        used_aged.use_code,
        used_aged.period_start_date,
        band.age_band,
        used_aged.sex_code,
        count(*) as event_count
    from used_aged
    inner join band
        on
            used_aged.age_years >= band.from_age_years
            and used_aged.age_years < band.below_age_years
            and used_aged.period_start_date >= band.valid_from_date
            and used_aged.period_start_date < band.next_from_date
    group by
        used_aged.use_code, used_aged.period_start_date, band.age_band, used_aged.sex_code
),

resident as (
    select
        month_of_period.period_start_date,
        band.age_band,
        exposure.sex_code,
        sum(exposure.person_days) as person_days
    from core.resident_exposure as exposure
    inner join month_of_period on exposure.exposure_month = month_of_period.exposure_month
    inner join band
        on
            exposure.age_years >= band.from_age_years
            and exposure.age_years < band.below_age_years
            and month_of_period.period_start_date >= band.valid_from_date
            and month_of_period.period_start_date < band.next_from_date
    group by month_of_period.period_start_date, band.age_band, exposure.sex_code
),

use_kind as (
    select distinct use_code
    from used_in_region
),

-- Every kind of use in every cell: a cell without an event has a rate of nought.
standard as (
    select
        use_kind.use_code,
        resident.period_start_date,
        resident.age_band,
        resident.sex_code,
        resident.person_days,
        coalesce(used_in_region.event_count, 0) as event_count,
        sum(resident.person_days) over (
            partition by use_kind.use_code, resident.period_start_date
        ) as all_person_days,
        sum(coalesce(used_in_region.event_count, 0)) over (
            partition by use_kind.use_code, resident.period_start_date
        ) as all_event_count
    from resident
    cross join use_kind
    left join used_in_region
        on
            use_kind.use_code = used_in_region.use_code
            and resident.period_start_date = used_in_region.period_start_date
            and resident.age_band = used_in_region.age_band
            and resident.sex_code = used_in_region.sex_code
),

listed as (
    select
        enrolment.provider_id,
        enrolment.person_id,
        person.sex_code,
        person.birth_date,
        enrolment.valid_from_date as from_date,
        least(
            coalesce(enrolment.valid_to_date, date '9999-12-31'),
            coalesce(person.death_date, date '9999-12-31')
        ) as to_date
    from core.enrolment as enrolment
    inner join core.person as person on enrolment.person_id = person.person_id
    where
        enrolment.known_to_seq is null
        and enrolment.service_code = 'reception'
        -- A protected person's provider is not known: they belong to no provider's figures.
        and enrolment.provider_id is not null
),

listed_month as (
    select
        listed.provider_id,
        listed.sex_code,
        month_of_period.period_start_date,
        age_years(listed.birth_date, month_of_period.exposure_month) as age_years,
        date_diff(
            'day',
            greatest(listed.from_date, month_of_period.exposure_month),
            least(
                listed.to_date,
                cast(month_of_period.exposure_month + interval 1 month as date)
            )
        ) as listed_days
    from listed
    inner join month_of_period
        on
            listed.from_date < month_of_period.exposure_month + interval 1 month
            and listed.to_date > month_of_period.exposure_month
            and listed.from_date < listed.to_date
),

listed_band as (
    select
        listed_month.provider_id,
        listed_month.period_start_date,
        band.age_band,
        listed_month.sex_code,
        sum(listed_month.listed_days) as listed_days
    from listed_month
    inner join band
        on
            listed_month.age_years >= band.from_age_years
            and listed_month.age_years < band.below_age_years
            and listed_month.period_start_date >= band.valid_from_date
            and listed_month.period_start_date < band.next_from_date
    group by
        listed_month.provider_id,
        listed_month.period_start_date,
        band.age_band,
        listed_month.sex_code
),

expected as (
    select
        standard.use_code,
        listed_band.provider_id,
        listed_band.period_start_date,
        standard.all_person_days,
        standard.all_event_count,
        cast(
            round(
                cast(listed_band.listed_days as double)
                * cast(standard.event_count as double)
                / cast(nullif(standard.person_days, 0) as double),
                8
            ) as decimal(18, 8)
        ) as expected_count
    from listed_band
    inner join standard
        on
            listed_band.period_start_date = standard.period_start_date
            and listed_band.age_band = standard.age_band
            and listed_band.sex_code = standard.sex_code
),

-- Person-years in which the region would have as many events as are expected of the list.
base as (
    select
        use_code,
        provider_id,
        period_start_date,
        cast(
            round(
                cast(sum(expected_count) as double)
                * cast(all_person_days as double)
                / cast(nullif(all_event_count, 0) as double)
                / 365.25,
                4
            ) as decimal(18, 4)
        ) as standard_years
    from expected
    group by use_code, provider_id, period_start_date, all_person_days, all_event_count
),

observed as (
    select
        used_aged.use_code,
        listed.provider_id,
        used_aged.period_start_date,
        count(*) as event_count
    from used_aged
    inner join listed
        on
            used_aged.person_id = listed.person_id
            and used_aged.used_date >= listed.from_date
            and used_aged.used_date < listed.to_date
    group by used_aged.use_code, listed.provider_id, used_aged.period_start_date
),

final as (
    select
        base.use_code,
        base.provider_id,
        base.period_start_date,
        coalesce(observed.event_count, 0) as event_count,
        base.standard_years
    from base
    left join observed
        on
            base.use_code = observed.use_code
            and base.provider_id = observed.provider_id
            and base.period_start_date = observed.period_start_date
    where base.standard_years is not null
)

select
    use_code,
    provider_id,
    period_start_date,
    event_count,
    standard_years
from final
