-- grain: One row per person, morbidity group and quarter in which a diagnosis of it was made.
-- key: [person_id, morbidity_group_code, diagnosis_quarter]
-- partition: diagnosis_quarter
-- may_be_empty: diagnoses may still be to come
-- touched:
--   - >-
--     select cast(date_trunc('quarter', diagnosis_month) as date) from changed.diagnosis
with
coded as (
    select distinct
        person_id,
        cast(date_trunc('quarter', diagnosis_month) as date) as diagnosis_quarter,
        'icd10' as code_system,
        substr(icd10_code, 1, 3) as code
    from core.diagnosis
    where icd10_code is not null
    union all
    select distinct
        person_id,
        cast(date_trunc('quarter', diagnosis_month) as date) as diagnosis_quarter,
        'icpc2' as code_system,
        substr(icpc2_code, 1, 3) as code
    from core.diagnosis
    where icpc2_code is not null
),

final as (
    select distinct
        coded.person_id,
        morbidity_group.morbidity_group_code,
        coded.diagnosis_quarter
    from coded
    inner join rulebook.morbidity_group as morbidity_group
        on
            coded.code_system = morbidity_group.code_system
            and coded.code >= morbidity_group.first_code
            and coded.code <= morbidity_group.last_code
)

select
    person_id,
    morbidity_group_code,
    diagnosis_quarter
from final
