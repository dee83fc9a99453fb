-- grain: One row per provider and period.
-- key: [provider_id, period_start_date]
-- may_be_empty: the source may not have begun to send
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

-- A stay that two ranges hold counts once.
used as (
    select distinct
        episode.episode_id,
        episode.person_id,
        episode.episode_date as used_date
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
),

-- Age on the first day of the period: one band a person and period.
aged as (
    select
        period.period_start_date,
        period.period_end_date,
        used.used_date,
        used.person_id,
        person.sex_code,
        year(period.period_start_date) - year(person.birth_date)
        - case
            when
                month(period.period_start_date) < month(person.birth_date)
                or (
                    month(period.period_start_date) = month(person.birth_date)
                    and day(period.period_start_date) < day(person.birth_date)
                )
                then 1
            else 0
        end
            as age_years
    from used
    inner join core.indicator_period as period
        on
            used.used_date >= period.period_start_date
            and used.used_date <= period.period_end_date
    -- Who is not in the register has no age to standardise by.
    inner join core.person as person on used.person_id = person.person_id
),

used_band as (
    select
        *,
        case
            when age_years < 7 then '0-6'
            when age_years < 18 then '7-17'
            when age_years < 45 then '18-44'
            when age_years < 65 then '45-64'
            when age_years < 75 then '65-74'
            when age_years < 85 then '75-84'
            else '85-'
        end as age_band
    from aged
),

used_in_region as (
    select
        period_start_date,
        age_band,
        sex_code,
        count(*) as event_count
    from used_band
    group by period_start_date, age_band, sex_code
),

resident as (
    select
        period.period_start_date,
        exposure.sex_code,
        exposure.person_days,
        case
            when exposure.age_years < 7 then '0-6'
            when exposure.age_years < 18 then '7-17'
            when exposure.age_years < 45 then '18-44'
            when exposure.age_years < 65 then '45-64'
            when exposure.age_years < 75 then '65-74'
            when exposure.age_years < 85 then '75-84'
            else '85-'
        end as age_band
    from core.resident_exposure as exposure
    inner join core.indicator_period as period
        on
            exposure.exposure_month >= period.period_start_date
            and exposure.exposure_month <= period.period_end_date
),

resident_band as (
    select
        period_start_date,
        age_band,
        sex_code,
        sum(person_days) as person_days
    from resident
    group by period_start_date, age_band, sex_code
),

standard as (
    select
        resident_band.period_start_date,
        resident_band.age_band,
        resident_band.sex_code,
        resident_band.person_days,
        coalesce(used_in_region.event_count, 0) as event_count,
        sum(resident_band.person_days) over (partition by resident_band.period_start_date)
            as all_person_days,
        sum(coalesce(used_in_region.event_count, 0)) over (
            partition by resident_band.period_start_date
        ) as all_event_count
    from resident_band
    left join used_in_region
        on
            resident_band.period_start_date = used_in_region.period_start_date
            and resident_band.age_band = used_in_region.age_band
            and resident_band.sex_code = used_in_region.sex_code
),

-- As far as the register reaches: days still to come are nobody's.
reached as (
    select
        period.period_start_date,
        least(
            period.period_end_date + 1,
            cast(max(register_month.exposure_month) + interval 1 month as date)
        ) as end_date
    from core.indicator_period as period
    inner join core.register_month as register_month
        on
            period.period_start_date <= register_month.exposure_month
            and period.period_end_date >= register_month.exposure_month
    group by period.period_start_date, period.period_end_date
),

listed as (
    select
        enrolment.provider_id,
        enrolment.person_id,
        reached.period_start_date,
        person.sex_code,
        greatest(enrolment.valid_from_date, reached.period_start_date) as from_date,
        least(
            coalesce(enrolment.valid_to_date, reached.end_date),
            coalesce(person.death_date, reached.end_date),
            reached.end_date
        ) as to_date,
        year(reached.period_start_date) - year(person.birth_date)
        - case
            when
                month(reached.period_start_date) < month(person.birth_date)
                or (
                    month(reached.period_start_date) = month(person.birth_date)
                    and day(reached.period_start_date) < day(person.birth_date)
                )
                then 1
            else 0
        end
            as age_years
    from core.enrolment as enrolment
    inner join reached
        on
            enrolment.valid_from_date < reached.end_date
            and (
                enrolment.valid_to_date is null
                or enrolment.valid_to_date > reached.period_start_date
            )
    inner join core.person as person on enrolment.person_id = person.person_id
    where
        enrolment.known_to_seq is null
        and enrolment.service_code = 'reception'
        -- A protected person's provider is not known: they belong to no provider's figures.
        and enrolment.provider_id is not null
),

listed_band as (
    select
        provider_id,
        period_start_date,
        sex_code,
        date_diff('day', from_date, to_date) as listed_days,
        case
            when age_years < 7 then '0-6'
            when age_years < 18 then '7-17'
            when age_years < 45 then '18-44'
            when age_years < 65 then '45-64'
            when age_years < 75 then '65-74'
            when age_years < 85 then '75-84'
            else '85-'
        end as age_band
    from listed
    where from_date < to_date
),

expected as (
    select
        listed_band.provider_id,
        listed_band.period_start_date,
        standard.all_person_days,
        standard.all_event_count,
        cast(
            round(
                cast(sum(listed_band.listed_days) as double)
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
    group by
        listed_band.provider_id,
        listed_band.period_start_date,
        listed_band.age_band,
        listed_band.sex_code,
        standard.all_person_days,
        standard.all_event_count,
        standard.event_count,
        standard.person_days
),

-- Person-years in which the region would have as many events as are expected of the list.
base as (
    select
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
        ) as denominator
    from expected
    group by provider_id, period_start_date, all_person_days, all_event_count
),

observed as (
    select
        listed.provider_id,
        listed.period_start_date,
        count(*) as event_count
    from listed
    inner join used_band
        on
            listed.person_id = used_band.person_id
            and listed.period_start_date = used_band.period_start_date
            and listed.from_date <= used_band.used_date
            and listed.to_date > used_band.used_date
    group by listed.provider_id, listed.period_start_date
),

final as (
    select
        base.provider_id,
        base.period_start_date,
        coalesce(observed.event_count, 0) as numerator,
        base.denominator
    from base
    left join observed
        on
            base.provider_id = observed.provider_id
            and base.period_start_date = observed.period_start_date
    where base.denominator is not null
)

select
    provider_id,
    period_start_date,
    numerator,
    denominator
from final
