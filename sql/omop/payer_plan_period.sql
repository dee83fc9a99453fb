-- One row per choice of a provider: the organiser pays, the plan is the service and the list. A
-- choice in force ends on the last day that the data reach.
select
    row_number() over (
        order by numbered.omop_person_id, enrolment.service_code, enrolment.valid_from_date
    ) as payer_plan_period_id,
    numbered.omop_person_id as person_id,
    enrolment.valid_from_date as payer_plan_period_start_date,
    greatest(
        enrolment.valid_from_date,
        case
            when enrolment.valid_to_date is null then cdm.reached_date
            else enrolment.valid_to_date - 1
        end
    ) as payer_plan_period_end_date,
    0 as payer_concept_id,
    'organiser' as payer_source_value,
    0 as plan_concept_id,
    concat(enrolment.service_code, ':', coalesce(enrolment.provider_id, '')) as plan_source_value
from release.enrolment as enrolment
inner join omop.person_number as numbered on enrolment.person_id = numbered.person_id
cross join omop.cdm as cdm
where enrolment.known_to_seq is null
