-- grain: One row per month of discharge, municipality, chain (all too) and place of discharge.
-- key: [discharge_month, municipality_code, chain_code, discharge_code]
-- purpose: knowledge management
-- may_be_empty: the source may not have begun to send
with
limits as (
    select
        contact_days,
        readmission_days
    from rulebook.discharge_follow_up
    where
        valid_from_date
        = (select max(newest.valid_from_date) from rulebook.discharge_follow_up as newest)
),

-- Months of which both stays and contacts have come.
complete_month as (
    select cast(date_trunc('month', covers_to_date) as date) as calendar_month
    from effective.delivery
    where
        (source = 'hus' and table_name = 'specialised_care')
        or (source = 'apotti' and table_name = 'encounters')
    group by date_trunc('month', covers_to_date)
    having count(distinct source) = 2
),

stay as (
    select
        episode_id,
        person_id,
        urgency_code,
        episode_date,
        discharge_code,
        ended_at,
        civil_date(ended_at) as discharged_date
    from core.hospital_episode
    where episode_kind_code = 'inpatient_stay'
),

-- Home, with or without help: who goes on to another ward is still cared for. Those whose time of
-- follow-up is not over, or of which something has not come, are not judged.
discharged as (
    select
        stay.episode_id,
        stay.person_id,
        stay.discharge_code,
        stay.ended_at,
        stay.discharged_date
    from stay
    cross join limits
    inner join complete_month
        on
            stay.discharged_date < complete_month.calendar_month + interval 1 month
            and stay.discharged_date + limits.readmission_days >= complete_month.calendar_month
    where stay.discharge_code in ('home', 'home_care', 'housing')
    group by
        stay.episode_id,
        stay.person_id,
        stay.discharge_code,
        stay.ended_at,
        stay.discharged_date,
        limits.readmission_days
    having
        count(*)
        = (
            year(stay.discharged_date + limits.readmission_days) - year(stay.discharged_date)
        ) * 12
        + month(stay.discharged_date + limits.readmission_days)
        - month(stay.discharged_date)
        + 1
),

contacted as (
    select distinct discharged.episode_id
    from discharged
    cross join limits
    inner join core.encounter as encounter on discharged.person_id = encounter.person_id
    where
        -- What was on the day of discharge before it is no follow-up.
        encounter.started_at > discharged.ended_at
        and encounter.encounter_date >= discharged.discharged_date
        and encounter.encounter_date <= discharged.discharged_date + limits.contact_days
        -- Work without the client is no contact with them.
        and encounter.contact_type_code in ('R10', 'R20', 'R30', 'R40', 'R41', 'R50', 'R52', 'R56')
),

readmitted as (
    select
        discharged.episode_id,
        max(case when stay.urgency_code in ('2', '3') then 1 else 0 end) as is_unplanned
    from discharged
    cross join limits
    inner join stay on discharged.person_id = stay.person_id
    where
        stay.episode_id <> discharged.episode_id
        and stay.episode_date >= discharged.discharged_date
        and stay.episode_date <= discharged.discharged_date + limits.readmission_days
    group by discharged.episode_id
),

lived as (
    select
        discharged.episode_id,
        max(residence.municipality_code) as municipality_code
    from discharged
    inner join core.residence as residence on discharged.person_id = residence.person_id
    where
        residence.known_to_seq is null
        and residence.valid_from_date <= discharged.discharged_date
        and (
            residence.valid_to_date is null
            or residence.valid_to_date > discharged.discharged_date
        )
    group by discharged.episode_id
),

of_chain as (
    select
        episode_id,
        'all' as chain_code
    from discharged
    union all
    select
        discharged.episode_id,
        chain_client.chain_code
    from discharged
    inner join core.chain_client as chain_client
        on
            discharged.person_id = chain_client.person_id
            and cast(date_trunc('quarter', discharged.discharged_date) as date)
            = chain_client.quarter_start_date
),

followed as (
    select
        discharged.episode_id,
        discharged.discharge_code,
        cast(date_trunc('month', discharged.discharged_date) as date) as discharge_month,
        -- Where they lived is unknown of those whose place is protected.
        lived.municipality_code,
        contacted.episode_id is not null as is_contacted,
        readmitted.episode_id is not null as is_readmitted,
        coalesce(readmitted.is_unplanned, 0) = 1 as is_readmitted_unplanned
    from discharged
    left join lived on discharged.episode_id = lived.episode_id
    left join contacted on discharged.episode_id = contacted.episode_id
    left join readmitted on discharged.episode_id = readmitted.episode_id
),

final as (
    select
        followed.discharge_month,
        followed.municipality_code,
        of_chain.chain_code,
        followed.discharge_code,
        count(*) as discharge_count,
        count(case when followed.is_contacted then 1 end) as contacted_count,
        count(case when followed.is_readmitted then 1 end) as readmitted_count,
        count(case when followed.is_readmitted_unplanned then 1 end)
            as unplanned_readmission_count
    from followed
    inner join of_chain on followed.episode_id = of_chain.episode_id
    group by
        followed.discharge_month,
        followed.municipality_code,
        of_chain.chain_code,
        followed.discharge_code
)

select
    discharge_month,
    municipality_code,
    chain_code,
    discharge_code,
    discharge_count,
    contacted_count,
    readmitted_count,
    unplanned_readmission_count
from final
