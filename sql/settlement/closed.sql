-- Months of the service that are settled, by whichever scheme paid for it then, and on what terms.
select
    run.capitation_run_id,
    run.rulebook_id,
    run.settlement_month as list_month,
    cast(run.settlement_month + interval 1 month as date) as end_date,
    run.year_days,
    run.month_days,
    run.neutrality_factor,
    run.is_capitation_only,
    scheme.adults_from_age,
    scheme.choice_delay_days,
    scheme.is_shadow_for_public
from mart.capitation_run as run
inner join ledger.frozen_scheme as scheme on run.capitation_run_id = scheme.capitation_run_id
where run.service_code = $service_code and run.settlement_month < $list_month
