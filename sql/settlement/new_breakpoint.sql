-- Steps of list size of closed months whose tariff was put right; one that is no more is 0.
with
step_now as (
    select
        corrected.list_month,
        step.list_from_count,
        step.amount_eur
    from settle.corrected as corrected
    inner join rulebook.capitation_breakpoint as step
        on
            corrected.rulebook_id = step.rulebook_id
            and corrected.version_date = step.valid_from_date
),

step_then as (
    select
        step.list_month,
        step.list_from_count
    from settle.breakpoint as step
    inner join settle.corrected as corrected on step.list_month = corrected.list_month
)

select
    coalesce(step_now.list_month, step_then.list_month) as list_month,
    coalesce(step_now.list_from_count, step_then.list_from_count) as list_from_count,
    cast(coalesce(step_now.amount_eur, 0) as decimal(18, 2)) as amount_eur
from step_now
full join step_then
    on
        step_now.list_month = step_then.list_month
        and step_now.list_from_count = step_then.list_from_count
