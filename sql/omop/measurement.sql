-- One row per result, its value in the unit it was brought to and, beside it, as it was sent.
select
    row_number() over (order by result.measurement_id) as measurement_id,
    numbered.omop_person_id as person_id,
    coalesce(mapping.concept_id, 0) as measurement_concept_id,
    result.measured_date as measurement_date,
    result.measured_at as measurement_datetime,
    0 as measurement_type_concept_id,
    cast(result.value as double) as value_as_number,
    coalesce(unit.concept_id, 0) as unit_concept_id,
    visit.visit_occurrence_id,
    result.test_code as measurement_source_value,
    coalesce(mapping.source_concept_id, 0) as measurement_source_concept_id,
    coalesce(result.unit, result.sent_unit) as unit_source_value,
    substr(result.value_text, 1, 50) as value_source_value
from release.measurement as result
inner join omop.person_number as numbered on result.person_id = numbered.person_id
left join omop.visit_occurrence as visit
    on result.encounter_id = visit.event_id and visit.event_kind_code = 'encounter'
left join omop.mapping as mapping
    on result.test_code = mapping.source_code and mapping.kind_code = 'measurement'
left join omop.mapping as unit
    on result.unit = unit.source_code and unit.kind_code = 'unit'
