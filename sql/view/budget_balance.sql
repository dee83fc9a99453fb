-- grain: One row per month, client group and what became of the euros granted.
-- Of the twelve months before the newest one, and of it.
with
newest as (
    select max(budget_month) as budget_month
    from shelf.personal_budget_total
),

summed as (
    select
        total.budget_month,
        total.budget_group_code,
        sum(total.paid_eur) - sum(total.returned_eur) as paid_eur,
        sum(total.reserved_eur) as reserved_eur,
        sum(total.remaining_eur) as remaining_eur
    from shelf.personal_budget_total as total
    inner join newest on total.budget_month >= newest.budget_month - interval 12 month
    group by total.budget_month, total.budget_group_code
),

final as (
    select
        budget_month,
        budget_group_code,
        'paid' as balance_code,
        paid_eur as balance_eur
    from summed
    union all
    select
        budget_month,
        budget_group_code,
        'reserved' as balance_code,
        reserved_eur as balance_eur
    from summed
    union all
    select
        budget_month,
        budget_group_code,
        'remaining' as balance_code,
        remaining_eur as balance_eur
    from summed
)

select
    budget_month,
    budget_group_code,
    balance_code,
    cast(balance_eur as decimal(18, 2)) as balance_eur
from final
order by budget_month, budget_group_code, balance_code
