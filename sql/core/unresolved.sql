-- grain: One row per accepted row in force that waits for a row of another table.
-- key: [source, table_name, delivery_sequence, record_number]
-- may_be_empty: every reference may be found
with
site as (
    select distinct site_id
    from core.site
),

waiting as (
    select
        'apotti' as source,
        'encounters' as table_name,
        encounters.delivery_sequence,
        encounters.record_number,
        'site_id' as reference
    from current.encounters as encounters
    anti join site on encounters.site_id = site.site_id
    where encounters.site_id is not null
    union all
    select
        'apotti' as source,
        'diagnoses' as table_name,
        diagnoses.delivery_sequence,
        diagnoses.record_number,
        'encounter_id' as reference
    from current.diagnoses as diagnoses
    anti join core.encounter as encounter on diagnoses.encounter_id = encounter.encounter_id
    union all
    select
        'apotti' as source,
        'procedures' as table_name,
        procedures.delivery_sequence,
        procedures.record_number,
        'encounter_id' as reference
    from current.procedures as procedures
    anti join core.encounter as encounter on procedures.encounter_id = encounter.encounter_id
    union all
    select
        'enrolment_portal' as source,
        'enrolments' as table_name,
        enrolments.delivery_sequence,
        enrolments.record_number,
        'site_id' as reference
    from current.enrolments as enrolments
    anti join site on enrolments.site_id = site.site_id
    where enrolments.site_id is not null
)

select
    source,
    table_name,
    delivery_sequence,
    record_number,
    reference
from waiting
