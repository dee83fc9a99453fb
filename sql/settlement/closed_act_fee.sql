-- As settled: the newest that was frozen of each closed month, before a run.
select
    list_month,
    procedure_code,
    fee_eur
from ledger.frozen_act_fee
where
    list_month < $list_month
    and capitation_run_id in (select closed.capitation_run_id from settle.closed as closed)
qualify
    capitation_run_id = max(capitation_run_id) over (partition by list_month)
