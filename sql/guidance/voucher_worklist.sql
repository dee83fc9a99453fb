-- Lines of the voucher ledger that nobody has closed yet, the largest sums first.
select
    item.person_id,
    item.item_code,
    item.transaction_id,
    item.budget_decision_id,
    item.voucher_provider_id,
    item.service_code,
    item.transaction_kind_code,
    item.service_date,
    item.booked_month,
    item.amount_eur,
    item.client_share_eur,
    item.excess_eur,
    item.is_reversed,
    item.text_fi,
    item.text_sv
from mart.voucher_worklist as item
where item.closed_date is null
order by item.amount_eur desc, item.item_code asc
