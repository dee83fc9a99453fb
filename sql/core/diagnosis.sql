-- grain: One row per diagnosis of an encounter in force.
-- key: [encounter_id, diagnosis_number]
-- partition: diagnosis_month
-- may_be_empty: the encounters of all diagnoses so far may still be to come
-- touched:
--   - >-
--     select cast(date_trunc('month', diagnoses.diagnosed_date) as date)
--     from staging.diagnoses as diagnoses
--     inner join changed.person_alias as person_alias
--     on diagnoses.person_id = person_alias.alias_person_id
--   - select cast(date_trunc('month', diagnosed_date) as date) from changed.diagnoses
--   - >-
--     select cast(date_trunc('month', diagnoses.diagnosed_date) as date)
--     from staging.diagnoses as diagnoses
--     inner join changed.encounters as encounters
--     on diagnoses.encounter_id = encounters.encounter_id
--   - >-
--     select cast(date_trunc('month', diagnoses.diagnosed_date) as date)
--     from staging.diagnoses as diagnoses
--     inner join staging.encounters as encounters
--     on diagnoses.encounter_id = encounters.encounter_id
--     inner join changed.site as site on encounters.site_id = site.site_id
with
final as (
    select
        diagnoses.encounter_id,
        diagnoses.diagnosis_number,
        coalesce(person_alias.person_id, diagnoses.person_id) as person_id,
        diagnoses.diagnosed_date,
        cast(date_trunc('month', diagnoses.diagnosed_date) as date) as diagnosis_month,
        diagnoses.icd10_code,
        diagnoses.icd10_pair_code,
        diagnoses.icpc2_code,
        diagnoses.delivery_sequence,
        diagnoses.record_number
    from current.diagnoses as diagnoses
    left join core.person_alias as person_alias
        on diagnoses.person_id = person_alias.alias_person_id
    -- A diagnosis of an encounter that is not there (yet) waits in core.unresolved.
    where diagnoses.encounter_id in (select encounter.encounter_id from core.encounter as encounter)
)

select
    encounter_id,
    diagnosis_number,
    person_id,
    diagnosed_date,
    diagnosis_month,
    icd10_code,
    icd10_pair_code,
    icpc2_code,
    delivery_sequence,
    record_number
from final
