-- As settled: the newest that were frozen of each closed month, before a run.
select
    list_month,
    list_from_count,
    amount_eur
from ledger.frozen_breakpoint
where
    list_month < $list_month
    and capitation_run_id in (select closed.capitation_run_id from settle.closed as closed)
qualify
    capitation_run_id = max(capitation_run_id) over (partition by list_month)
