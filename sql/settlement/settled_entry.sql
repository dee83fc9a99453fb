-- Closed months as the ledger has them, before a run: lines and corrections.
select
    settlement_month as list_month,
    line_kind_code,
    provider_id,
    site_id,
    age_from,
    sex_code,
    municipality_code,
    procedure_code,
    is_shadow,
    person_days,
    act_count,
    amount_eur
from mart.capitation_line
where capitation_run_id in (select closed.capitation_run_id from settle.closed as closed)
union all
select
    corrected_month as list_month,
    line_kind_code,
    provider_id,
    site_id,
    age_from,
    sex_code,
    municipality_code,
    procedure_code,
    is_shadow,
    person_days,
    act_count,
    amount_eur
from mart.capitation_adjustment
where capitation_run_id in (select closed.capitation_run_id from settle.closed as closed)
