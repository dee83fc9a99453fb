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
where rulebook_id = $rulebook_id and capitation_run_id < $capitation_run_id
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
where rulebook_id = $rulebook_id and capitation_run_id < $capitation_run_id
