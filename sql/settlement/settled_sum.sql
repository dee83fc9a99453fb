-- Acts and euros of closed months as the ledger has them, before a run, lines and corrections
-- together.
with
counted as (
    select
        settlement_month as list_month,
        line_kind_code,
        provider_id,
        procedure_code,
        is_shadow,
        act_count,
        amount_eur
    from mart.capitation_line
    where rulebook_id = $rulebook_id and capitation_run_id < $capitation_run_id
    union all
    select
        corrected_month as list_month,
        line_kind_code,
        provider_id,
        procedure_code,
        is_shadow,
        act_count,
        amount_eur
    from mart.capitation_adjustment
    where rulebook_id = $rulebook_id and capitation_run_id < $capitation_run_id
)

select
    list_month,
    line_kind_code,
    provider_id,
    procedure_code,
    is_shadow,
    cast(sum(act_count) as bigint) as act_count,
    cast(sum(amount_eur) as decimal(18, 2)) as amount_eur
from counted
group by list_month, line_kind_code, provider_id, procedure_code, is_shadow
