-- One row per person of the register, under a number of this export alone. Whose place is not to
-- be known has no location.
with
home as (
    select
        person_id,
        municipality_code,
        row_number() over (partition by person_id order by valid_from_date desc) as stay_rank
    from release.residence
    where known_to_seq is null
),

carer as (
    select
        person_id,
        professional_id,
        row_number() over (
            partition by person_id order by valid_from_date desc, service_code asc
        ) as carer_rank
    from release.care_relation
    where valid_to_date is null and professional_id is not null
)

select
    numbered.omop_person_id as person_id,
    coalesce(gender.concept_id, 0) as gender_concept_id,
    year(person.birth_date) as year_of_birth,
    month(person.birth_date) as month_of_birth,
    0 as race_concept_id,
    0 as ethnicity_concept_id,
    location.location_id,
    provider.provider_id,
    person.sex_code as gender_source_value,
    coalesce(gender.source_concept_id, 0) as gender_source_concept_id
from omop.person_number as numbered
inner join release.person as person on numbered.person_id = person.person_id
left join home on numbered.person_id = home.person_id and home.stay_rank = 1
left join omop.location as location on home.municipality_code = location.location_source_value
left join carer on numbered.person_id = carer.person_id and carer.carer_rank = 1
left join omop.provider as provider on carer.professional_id = provider.provider_source_value
left join omop.mapping as gender
    on person.sex_code = gender.source_code and gender.kind_code = 'sex'
