-- grain: One row per client group and service, at the end of the newest month.
with
newest as (
    select max(budget_month) as budget_month
    from shelf.personal_budget_total
)

select
    total.budget_month,
    total.budget_group_code,
    total.service_code,
    cast(sum(total.client_count) as bigint) as client_count,
    cast(sum(total.granted_eur) as decimal(18, 2)) as granted_eur,
    cast(sum(total.paid_eur) as decimal(18, 2)) as paid_eur,
    cast(sum(total.returned_eur) as decimal(18, 2)) as returned_eur,
    cast(sum(total.reserved_eur) as decimal(18, 2)) as reserved_eur,
    cast(sum(total.remaining_eur) as decimal(18, 2)) as remaining_eur,
    cast(sum(total.client_share_eur) as decimal(18, 2)) as client_share_eur,
    cast(
        100 * cast(sum(total.paid_eur) - sum(total.returned_eur) as double)
        / nullif(sum(total.granted_eur), 0)
        as decimal(18, 2)
    ) as used_pct
from shelf.personal_budget_total as total
inner join newest on total.budget_month = newest.budget_month
group by total.budget_month, total.budget_group_code, total.service_code
order by total.budget_group_code, total.service_code
