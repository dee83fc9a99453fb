-- As settled: the newest that was frozen of each closed month, before a run.
select
    list_month,
    incentive_share
from ledger.frozen_incentive
where
    rulebook_id = $rulebook_id
    and list_month < $list_month
    and capitation_run_id < $capitation_run_id
qualify
    capitation_run_id = max(capitation_run_id) over (partition by list_month)
