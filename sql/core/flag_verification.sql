-- grain: One row per flag, held against the pathway of the person it is about.
-- key: [flag_id]
-- may_be_empty: the portal may not have begun to take flags
with
flagged as (
    select
        flag.flag_id,
        flag.person_id,
        flag.provider_id,
        flag.raised_date,
        coalesce(flag_check.check_code, 'none') as check_code,
        coalesce(flag_check.limit_days, 0) as limit_days,
        coalesce(flag_check.provider_count, 0) as provider_limit_count,
        flag.raised_date - coalesce(flag_check.window_days, 0) as from_date
    from core.flag as flag
    left join rulebook.flag_check as flag_check on flag.topic_code = flag_check.topic_code
),

-- A wait that goes on when the flag is raised counts until then.
waited as (
    select
        flagged.flag_id,
        max(
            date_diff(
                'day',
                event.contacted_date,
                least(
                    coalesce(civil_date(event.visited_at), flagged.raised_date),
                    flagged.raised_date
                )
            )
        ) as longest_wait_days
    from flagged
    inner join core.access_event as event on flagged.person_id = event.person_id
    where
        event.contacted_date >= flagged.from_date and event.contacted_date <= flagged.raised_date
    group by flagged.flag_id
),

visited as (
    select
        flagged.flag_id,
        flagged.provider_id,
        encounter.encounter_date,
        site_month.provider_id as visited_provider_id
    from flagged
    inner join core.encounter as encounter on flagged.person_id = encounter.person_id
    -- Where a protected person was seen is not known, so that no provider's contacts are counted.
    inner join core.site_month as site_month
        on
            encounter.site_id = site_month.site_id
            and encounter.encounter_month = site_month.calendar_month
    where
        encounter.encounter_date >= flagged.from_date
        and encounter.encounter_date <= flagged.raised_date
),

contacted as (
    select
        flag_id,
        count(case when visited_provider_id = provider_id then 1 end) as contact_count,
        count(distinct visited_provider_id) as visited_provider_count
    from visited
    group by flag_id
),

treated as (
    select
        flagged.flag_id,
        flagged.person_id,
        flagged.raised_date,
        flagged.limit_days,
        episode.episode_id,
        episode.urgency_code,
        episode.discharge_code,
        civil_date(episode.ended_at) as discharged_date
    from flagged
    inner join core.hospital_episode as episode on flagged.person_id = episode.person_id
    where
        episode.episode_date >= flagged.from_date and episode.episode_date <= flagged.raised_date
),

followed as (
    select distinct treated.episode_id
    from treated
    inner join core.encounter as encounter on treated.person_id = encounter.person_id
    where
        encounter.encounter_date >= treated.discharged_date
        and encounter.encounter_date <= treated.discharged_date + treated.limit_days
),

cared as (
    select
        treated.flag_id,
        count(case when treated.urgency_code in ('2', '3') then 1 end) as unplanned_count,
        count(
            case
                when
                    treated.discharge_code in ('home', 'home_care')
                    and treated.discharged_date + treated.limit_days <= treated.raised_date
                    and followed.episode_id is null
                    then 1
            end
        ) as unfollowed_discharge_count
    from treated
    left join followed on treated.episode_id = followed.episode_id
    group by treated.flag_id
),

seen as (
    select
        flagged.*,
        waited.longest_wait_days,
        coalesce(contacted.contact_count, 0) as contact_count,
        coalesce(contacted.visited_provider_count, 0) as visited_provider_count,
        coalesce(cared.unplanned_count, 0) as unplanned_count,
        coalesce(cared.unfollowed_discharge_count, 0) as unfollowed_discharge_count
    from flagged
    left join waited on flagged.flag_id = waited.flag_id
    left join contacted on flagged.flag_id = contacted.flag_id
    left join cared on flagged.flag_id = cared.flag_id
),

-- Confirmed or not seen only where the lake could have shown either.
final as (
    select
        flag_id,
        check_code,
        case
            when person_id is null or provider_id is null or check_code = 'none' then 'unclear'
            when check_code = 'wait' and longest_wait_days is null then 'unclear'
            when check_code = 'wait' and longest_wait_days > limit_days then 'confirmed'
            when check_code = 'wait' then 'not_seen'
            when
                check_code = 'gap'
                and (
                    unfollowed_discharge_count > 0
                    or visited_provider_count >= provider_limit_count
                )
                then 'confirmed'
            when check_code = 'unplanned' and unplanned_count > 0 then 'confirmed'
            when check_code = 'contact' and contact_count = 0 then 'not_seen'
            when check_code = 'contact' or contact_count = 0 then 'unclear'
            else 'not_seen'
        end as verdict_code,
        longest_wait_days,
        contact_count,
        visited_provider_count,
        unplanned_count,
        unfollowed_discharge_count
    from seen
)

select
    flag_id,
    check_code,
    verdict_code,
    longest_wait_days,
    contact_count,
    visited_provider_count,
    unplanned_count,
    unfollowed_discharge_count
from final
