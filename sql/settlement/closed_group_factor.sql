-- As settled: the newest that was frozen of each closed month, before a run.
select
    list_month,
    provider_id,
    need_factor,
    correction_factor,
    is_new,
    observed_eur,
    expected_eur,
    credibility_weight,
    raw_factor,
    share_without_contact,
    window_from_date,
    window_to_date
from ledger.frozen_group_factor
where
    list_month < $list_month
    and capitation_run_id in (select closed.capitation_run_id from settle.closed as closed)
qualify
    capitation_run_id = max(capitation_run_id) over (partition by list_month)
