-- grain: One row per contact of a client about one need, from contact to assessment to visit.
-- key: [access_event_id]
-- partition: contact_month
-- may_be_empty: the source may not have begun to send
-- touched:
--   - >-
--     select cast(date_trunc('month', civil_date(access_events.contacted_at)) as date)
--     from staging.access_events as access_events
--     inner join changed.person_alias as person_alias
--     on access_events.person_id = person_alias.alias_person_id
--   - select cast(date_trunc('month', civil_date(contacted_at)) as date) from changed.access_events
with
final as (
    select
        access_events.access_event_id,
        coalesce(person_alias.person_id, access_events.person_id) as person_id,
        access_events.site_id,
        access_events.contacted_at,
        civil_date(access_events.contacted_at) as contacted_date,
        cast(date_trunc('month', civil_date(access_events.contacted_at)) as date) as contact_month,
        access_events.assessed_at,
        access_events.booked_at,
        access_events.visit_encounter_id,
        access_events.visited_at,
        date_diff(
            'day', civil_date(access_events.contacted_at), civil_date(access_events.visited_at)
        ) as visit_wait_days,
        access_events.service_code,
        access_events.profession_code,
        access_events.urgency_code,
        access_events.reason_code,
        access_events.delivery_sequence,
        access_events.record_number
    from current.access_events as access_events
    left join core.person_alias as person_alias
        on access_events.person_id = person_alias.alias_person_id
)

select
    access_event_id,
    person_id,
    site_id,
    contacted_at,
    contacted_date,
    contact_month,
    assessed_at,
    booked_at,
    visit_encounter_id,
    visited_at,
    visit_wait_days,
    service_code,
    profession_code,
    urgency_code,
    reason_code,
    delivery_sequence,
    record_number
from final
