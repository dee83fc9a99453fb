-- As settled: the newest that was frozen of each closed month, before a run.
select
    list_month,
    version_date,
    age_from,
    age_to,
    sex_code,
    base_eur
from ledger.frozen_tariff
where
    list_month < $list_month
    and capitation_run_id in (select closed.capitation_run_id from settle.closed as closed)
qualify
    capitation_run_id = max(capitation_run_id) over (partition by list_month)
