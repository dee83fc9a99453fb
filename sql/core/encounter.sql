-- grain: One row per encounter, in its newest version of a delivery that is not withdrawn.
-- key: [encounter_id]
-- partition: encounter_month
-- touched:
--   - >-
--     select cast(date_trunc('month', civil_date(encounters.started_at)) as date)
--     from staging.encounters as encounters
--     inner join changed.person_alias as person_alias
--     on encounters.person_id = person_alias.alias_person_id
--   - select cast(date_trunc('month', civil_date(started_at)) as date) from changed.encounters
--   - >-
--     select cast(date_trunc('month', civil_date(encounters.started_at)) as date)
--     from staging.encounters as encounters
--     inner join changed.site as site on encounters.site_id = site.site_id
with
site as (
    select distinct site_id
    from core.site
),

dated as (
    select
        *,
        civil_date(started_at) as encounter_date
    from current.encounters
),

final as (
    select
        encounters.encounter_id,
        coalesce(person_alias.person_id, encounters.person_id) as person_id,
        encounters.site_id,
        encounters.encounter_date,
        cast(date_trunc('month', encounters.encounter_date) as date) as encounter_month,
        encounters.started_at,
        encounters.ended_at,
        encounters.service_code,
        encounters.contact_type_code,
        encounters.profession_code,
        encounters.urgency_code,
        encounters.contact_language_code,
        encounters.service_language_code,
        encounters.duration_minutes,
        encounters.delivery_sequence,
        encounters.record_number
    from dated as encounters
    left join core.person_alias as person_alias
        on encounters.person_id = person_alias.alias_person_id
    left join site on encounters.site_id = site.site_id
    -- An encounter at a site nobody knows waits in core.unresolved; a protected person's has none.
    where encounters.site_id is null or site.site_id is not null
)

select
    encounter_id,
    person_id,
    site_id,
    encounter_date,
    encounter_month,
    started_at,
    ended_at,
    service_code,
    contact_type_code,
    profession_code,
    urgency_code,
    contact_language_code,
    service_language_code,
    duration_minutes,
    delivery_sequence,
    record_number
from final
