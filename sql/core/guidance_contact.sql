-- grain: One row per contact of a client guide with a client, in its newest version.
-- key: [contact_id]
-- partition: contact_month
-- may_be_empty: the source may not have begun to send
-- touched:
--   - >-
--     select cast(date_trunc('month', civil_date(contacts.contacted_at)) as date)
--     from staging.contacts as contacts
--     inner join changed.person_alias as person_alias
--     on contacts.person_id = person_alias.alias_person_id
--   - select cast(date_trunc('month', civil_date(contacted_at)) as date) from changed.contacts
with
final as (
    select
        contacts.contact_id,
        coalesce(person_alias.person_id, contacts.person_id) as person_id,
        contacts.guide_code,
        contacts.contacted_at,
        civil_date(contacts.contacted_at) as contacted_date,
        cast(date_trunc('month', civil_date(contacts.contacted_at)) as date) as contact_month,
        contacts.contact_kind_code,
        contacts.duration_minutes,
        contacts.contact_topic_code,
        contacts.has_third_sector_referral,
        contacts.delivery_sequence,
        contacts.record_number
    from current.contacts as contacts
    left join core.person_alias as person_alias
        on contacts.person_id = person_alias.alias_person_id
)

select
    contact_id,
    person_id,
    guide_code,
    contacted_at,
    contacted_date,
    contact_month,
    contact_kind_code,
    duration_minutes,
    contact_topic_code,
    has_third_sector_referral,
    delivery_sequence,
    record_number
from final
