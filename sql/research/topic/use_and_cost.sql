-- One row per month and service class with its events and euros, or voucher service and payments.
select
    cost.person_id,
    cost.cost_month as on_date,
    'service' as use_kind_code,
    cost.package_class_code as class_code,
    count(*) as event_count,
    sum(cost.cost_eur) as cost_eur
from core.cost as cost
where cost.person_id is not null
group by cost.person_id, cost.cost_month, cost.package_class_code
union all
select
    entry.person_id,
    entry.budget_month as on_date,
    'voucher' as use_kind_code,
    entry.service_code as class_code,
    count(*) as event_count,
    cast(sum(entry.paid_eur - entry.returned_eur) as decimal(18, 2)) as cost_eur
from core.voucher_entry as entry
where entry.entry_kind_code = 'line'
group by entry.person_id, entry.budget_month, entry.service_code
