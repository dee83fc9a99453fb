-- As settled: the newest that was frozen of each closed month, before a run.
select
    list_month,
    incentive_share
from ledger.frozen_incentive
where
    list_month < $list_month
    and capitation_run_id in (select closed.capitation_run_id from settle.closed as closed)
qualify
    capitation_run_id = max(capitation_run_id) over (partition by list_month)
