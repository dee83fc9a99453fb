-- One row per procedure; the tooth it was done to is its modifier.
select
    row_number() over (order by done.procedure_id) as procedure_occurrence_id,
    numbered.omop_person_id as person_id,
    coalesce(mapping.concept_id, 0) as procedure_concept_id,
    done.performed_date as procedure_date,
    0 as procedure_type_concept_id,
    1 as quantity,
    visit.visit_occurrence_id,
    done.procedure_code as procedure_source_value,
    coalesce(mapping.source_concept_id, 0) as procedure_source_concept_id,
    done.tooth_code as modifier_source_value,
    'procedure' as event_kind_code,
    done.procedure_id as event_id
from release.procedure as done
inner join omop.person_number as numbered on done.person_id = numbered.person_id
left join omop.visit_occurrence as visit
    on done.encounter_id = visit.event_id and visit.event_kind_code = 'encounter'
left join omop.mapping as mapping
    on done.procedure_code = mapping.source_code and mapping.kind_code = 'procedure'
