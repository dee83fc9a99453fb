-- grain: One row per person's time in a cohort of the study of personal budgets.
-- key: [study_enrolment_id]
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        study_enrolment.study_enrolment_id,
        coalesce(person_alias.person_id, study_enrolment.person_id) as person_id,
        study_enrolment.cohort_code,
        study_enrolment.budget_group_code,
        study_enrolment.municipality_code,
        study_enrolment.enrolled_date as valid_from_date,
        study_enrolment.left_date as valid_to_date,
        study_enrolment.consent_given_date as consent_from_date,
        study_enrolment.consent_withdrawn_date as consent_to_date,
        study_enrolment.delivery_sequence,
        study_enrolment.record_number
    from current.study_enrolment as study_enrolment
    left join core.person_alias as person_alias
        on study_enrolment.person_id = person_alias.alias_person_id
)

select
    study_enrolment_id,
    person_id,
    cohort_code,
    budget_group_code,
    municipality_code,
    valid_from_date,
    valid_to_date,
    consent_from_date,
    consent_to_date,
    delivery_sequence,
    record_number
from final
