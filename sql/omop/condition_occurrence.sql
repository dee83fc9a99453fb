-- One row per code of a diagnosis: ICD-10 or ICPC-2 of an encounter, the pair code beside it, and
-- the main diagnosis of an episode of specialised care.
with
told as (
    select
        diagnosis.encounter_id,
        diagnosis.diagnosis_number,
        diagnosis.person_id,
        diagnosis.diagnosed_date,
        unnest([diagnosis.icd10_code, diagnosis.icd10_pair_code, diagnosis.icpc2_code]) as code,
        unnest(['icd10', 'icd10', 'icpc2']) as kind_code,
        unnest([1, 2, 3]) as code_number
    from release.diagnosis as diagnosis
),

condition as (
    select
        'encounter' as event_kind_code,
        encounter_id as event_id,
        diagnosis_number * 3 + code_number as condition_number,
        person_id,
        diagnosed_date as start_date,
        code,
        kind_code
    from told
    where code is not null
    union all
    select
        'hospital_episode' as event_kind_code,
        episode_id as event_id,
        1 as condition_number,
        person_id,
        episode_date as start_date,
        icd10_code as code,
        'icd10' as kind_code
    from release.hospital_episode
    where icd10_code is not null
)

select
    row_number() over (
        order by condition.event_kind_code, condition.event_id, condition.condition_number
    ) as condition_occurrence_id,
    numbered.omop_person_id as person_id,
    coalesce(mapping.concept_id, 0) as condition_concept_id,
    condition.start_date as condition_start_date,
    0 as condition_type_concept_id,
    visit.visit_occurrence_id,
    condition.code as condition_source_value,
    coalesce(mapping.source_concept_id, 0) as condition_source_concept_id
from condition
inner join omop.person_number as numbered on condition.person_id = numbered.person_id
left join omop.visit_occurrence as visit
    on
        condition.event_kind_code = visit.event_kind_code
        and condition.event_id = visit.event_id
left join omop.mapping as mapping
    on condition.kind_code = mapping.kind_code and condition.code = mapping.source_code
