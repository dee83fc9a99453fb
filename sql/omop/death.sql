-- One row per person of the register who has died.
select
    numbered.omop_person_id as person_id,
    person.death_date,
    0 as death_type_concept_id
from release.person as person
inner join omop.person_number as numbered on person.person_id = numbered.person_id
where person.death_date is not null
