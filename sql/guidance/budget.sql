-- Budgets in force: use against plan, the forecast, and who may run out or does not use theirs.
select
    budget.person_id,
    cast(budget.budget_decision_id as varchar) as item_code,
    budget.budget_group_code,
    budget.service_code,
    budget.as_of_date,
    budget.valid_to_date,
    budget.granted_eur,
    budget.planned_eur,
    budget.used_eur,
    budget.reserved_eur,
    budget.remaining_eur,
    budget.forecast_eur,
    budget.forecast_low_eur,
    budget.forecast_high_eur,
    budget.outlook_code
from mart.personal_budget_followup as budget
order by budget.outlook_code, budget.budget_decision_id
