-- Months of the rulebook that are settled, and up to which deliveries each was known.
select
    capitation_run_id,
    settlement_month as list_month,
    cast(settlement_month + interval 1 month as date) as end_date,
    year_days,
    month_days,
    neutrality_factor,
    is_capitation_only
from mart.capitation_run
where rulebook_id = $rulebook_id and settlement_month < $list_month
