-- grain: One row per referral or e-consultation, in its newest version.
-- key: [referral_id]
-- partition: referral_month
-- may_be_empty: the source may not have begun to send
-- touched:
--   - >-
--     select cast(date_trunc('month', civil_date(referrals.sent_at)) as date)
--     from staging.referrals as referrals
--     inner join changed.person_alias as person_alias
--     on referrals.person_id = person_alias.alias_person_id
--   - select cast(date_trunc('month', civil_date(sent_at)) as date) from changed.referrals
with
final as (
    select
        referrals.referral_id,
        coalesce(person_alias.person_id, referrals.person_id) as person_id,
        referrals.encounter_id,
        referrals.speciality_code,
        referrals.kind_code,
        referrals.urgency_code,
        referrals.sent_at,
        cast(date_trunc('month', civil_date(referrals.sent_at)) as date) as referral_month,
        referrals.received_by_code,
        referrals.answered_at,
        referrals.outcome_code,
        referrals.delivery_sequence,
        referrals.record_number
    from current.referrals as referrals
    left join core.person_alias as person_alias
        on referrals.person_id = person_alias.alias_person_id
)

select
    referral_id,
    person_id,
    encounter_id,
    speciality_code,
    kind_code,
    urgency_code,
    sent_at,
    referral_month,
    received_by_code,
    answered_at,
    outcome_code,
    delivery_sequence,
    record_number
from final
