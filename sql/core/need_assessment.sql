-- grain: One row per needs assessment and scale, in its newest version.
-- key: [assessment_id, scale_code]
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        need_assessments.assessment_id,
        need_assessments.scale_code,
        coalesce(person_alias.person_id, need_assessments.person_id) as person_id,
        need_assessments.instrument_code,
        need_assessments.instrument_version,
        need_assessments.score,
        need_assessments.assessed_date,
        need_assessments.valid_to_date,
        need_assessments.assessor_role_code,
        need_assessments.delivery_sequence,
        need_assessments.record_number
    from current.need_assessments as need_assessments
    left join core.person_alias as person_alias
        on need_assessments.person_id = person_alias.alias_person_id
)

select
    assessment_id,
    scale_code,
    person_id,
    instrument_code,
    instrument_version,
    score,
    assessed_date,
    valid_to_date,
    assessor_role_code,
    delivery_sequence,
    record_number
from final
