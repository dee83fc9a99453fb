-- As settled: the newest that were frozen of each closed month, before a run.
select
    list_month,
    list_from_count,
    amount_eur
from ledger.frozen_breakpoint
where
    rulebook_id = $rulebook_id
    and list_month < $list_month
    and capitation_run_id < $capitation_run_id
qualify
    capitation_run_id = max(capitation_run_id) over (partition by list_month)
