-- grain: One row per episode of specialised care, in its newest version.
-- key: [episode_id]
-- partition: episode_month
-- may_be_empty: the source may not have begun to send
-- touched:
--   - >-
--     select cast(date_trunc('month', civil_date(specialised_care.started_at)) as date)
--     from staging.specialised_care as specialised_care
--     inner join changed.person_alias as person_alias
--     on specialised_care.person_id = person_alias.alias_person_id
--   - >-
--     select cast(date_trunc('month', civil_date(started_at)) as date)
--     from changed.specialised_care
--   - >-
--     select cast(date_trunc('month', civil_date(specialised_care.started_at)) as date)
--     from staging.specialised_care as specialised_care
--     inner join changed.referrals as referrals
--     on specialised_care.referral_id = referrals.referral_id
with
dated as (
    select
        *,
        civil_date(started_at) as episode_date,
        civil_date(ended_at) as ended_date
    from current.specialised_care
),

final as (
    select
        episodes.episode_id,
        coalesce(person_alias.person_id, episodes.person_id) as person_id,
        episodes.unit_code,
        episodes.episode_kind_code,
        episodes.speciality_code,
        episodes.speciality_code in ('70', '75') as is_psychiatric,
        episodes.urgency_code,
        episodes.episode_date,
        cast(date_trunc('month', episodes.episode_date) as date) as episode_month,
        episodes.started_at,
        episodes.ended_at,
        -- Nights on the ward; a stay that goes on has none yet.
        case
            when episodes.episode_kind_code = 'inpatient_stay'
                then date_diff('day', episodes.episode_date, episodes.ended_date)
        end as stay_days,
        episodes.referral_id,
        referral.sent_at as referral_sent_at,
        date_diff('day', civil_date(referral.sent_at), episodes.episode_date)
            as referral_wait_days,
        episodes.drg_code,
        episodes.icd10_code,
        episodes.discharge_code,
        episodes.delivery_sequence,
        episodes.record_number
    from dated as episodes
    left join core.person_alias as person_alias
        on episodes.person_id = person_alias.alias_person_id
    left join core.referral as referral on episodes.referral_id = referral.referral_id
    -- What rests on a referral that is not there (yet) waits in core.unresolved.
    where episodes.referral_id is null or referral.referral_id is not null
)

select
    episode_id,
    person_id,
    unit_code,
    episode_kind_code,
    speciality_code,
    is_psychiatric,
    urgency_code,
    episode_date,
    episode_month,
    started_at,
    ended_at,
    stay_days,
    referral_id,
    referral_sent_at,
    referral_wait_days,
    drg_code,
    icd10_code,
    discharge_code,
    delivery_sequence,
    record_number
from final
