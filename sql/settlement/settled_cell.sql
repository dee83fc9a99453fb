-- Person-days by cell of closed months as the ledger has them, before a run.
with
counted as (
    select
        settlement_month as list_month,
        provider_id,
        site_id,
        age_from,
        sex_code,
        municipality_code,
        is_shadow,
        person_days
    from mart.capitation_line
    where
        rulebook_id = $rulebook_id
        and capitation_run_id < $capitation_run_id
        and line_kind_code = 'capitation'
    union all
    select
        corrected_month as list_month,
        provider_id,
        site_id,
        age_from,
        sex_code,
        municipality_code,
        is_shadow,
        person_days
    from mart.capitation_adjustment
    where
        rulebook_id = $rulebook_id
        and capitation_run_id < $capitation_run_id
        and line_kind_code = 'capitation'
)

select
    list_month,
    provider_id,
    site_id,
    age_from,
    sex_code,
    municipality_code,
    is_shadow,
    cast(sum(person_days) as bigint) as person_days
from counted
group by
    list_month, provider_id, site_id, age_from, sex_code, municipality_code, is_shadow
