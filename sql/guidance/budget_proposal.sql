-- Newest proposal of a budget for each client, step by step, as a guide reads it out.
with
newest as (
    select
        person_id,
        max(proposed_from_date) as proposed_from_date
    from mart.personal_budget_reasoning
    group by person_id
)

select
    step.person_id,
    step.budget_group_code,
    step.proposed_from_date,
    step.step_number,
    step.service_code,
    step.step_eur,
    step.text_fi,
    step.text_sv
from mart.personal_budget_reasoning as step
inner join newest
    on
        step.person_id = newest.person_id
        and step.proposed_from_date = newest.proposed_from_date
order by step.person_id, step.budget_group_code, step.step_number, step.service_code
