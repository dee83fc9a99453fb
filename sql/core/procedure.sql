-- grain: One row per procedure, in its newest version, of an encounter in force.
-- key: [procedure_id]
-- partition: procedure_month
-- may_be_empty: the source may not have begun to send
-- touched:
--   - >-
--     select cast(date_trunc('month', procedures.performed_date) as date)
--     from staging.procedures as procedures
--     inner join changed.person_alias as person_alias
--     on procedures.person_id = person_alias.alias_person_id
--   - select cast(date_trunc('month', performed_date) as date) from changed.procedures
--   - >-
--     select cast(date_trunc('month', procedures.performed_date) as date)
--     from staging.procedures as procedures
--     inner join changed.encounters as encounters
--     on procedures.encounter_id = encounters.encounter_id
--   - >-
--     select cast(date_trunc('month', procedures.performed_date) as date)
--     from staging.procedures as procedures
--     inner join staging.encounters as encounters
--     on procedures.encounter_id = encounters.encounter_id
--     inner join changed.site as site on encounters.site_id = site.site_id
with
final as (
    select
        procedures.procedure_id,
        coalesce(person_alias.person_id, procedures.person_id) as person_id,
        procedures.encounter_id,
        procedures.site_id,
        procedures.performed_date,
        cast(date_trunc('month', procedures.performed_date) as date) as procedure_month,
        procedures.procedure_code,
        procedures.tooth_code,
        procedures.delivery_sequence,
        procedures.record_number
    from current.procedures as procedures
    left join core.person_alias as person_alias
        on procedures.person_id = person_alias.alias_person_id
    -- What belongs to an encounter that is not there (yet) waits in core.unresolved.
    where
        procedures.encounter_id in (select encounter.encounter_id from core.encounter as encounter)
)

select
    procedure_id,
    person_id,
    encounter_id,
    site_id,
    performed_date,
    procedure_month,
    procedure_code,
    tooth_code,
    delivery_sequence,
    record_number
from final
