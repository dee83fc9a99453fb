-- One row per professional whom somebody has as a named one: the source's code, no name.
with
professional as (
    select
        professional_id,
        min(profession_code) as profession_code
    from release.care_relation
    where professional_id is not null
    group by professional_id
)

select
    row_number() over (order by professional.professional_id) as provider_id,
    coalesce(profession.concept_id, 0) as specialty_concept_id,
    professional.professional_id as provider_source_value,
    professional.profession_code as specialty_source_value,
    coalesce(profession.source_concept_id, 0) as specialty_source_concept_id
from professional
left join omop.mapping as profession
    on
        professional.profession_code = profession.source_code
        and profession.kind_code = 'profession'
