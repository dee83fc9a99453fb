-- As settled: the newest that was frozen of each closed month, before a run.
select
    list_month,
    municipality_code,
    factor
from ledger.frozen_regional_factor
where
    list_month < $list_month
    and capitation_run_id in (select closed.capitation_run_id from settle.closed as closed)
qualify
    capitation_run_id = max(capitation_run_id) over (partition by list_month)
