-- grain: One row per provider, scheme and period.
select
    provider_id,
    service_code,
    period_start_date,
    is_early_warning,
    score,
    measured_weight,
    share_of_capitation,
    counted_indicator_count,
    too_small_count,
    overdue_count,
    unreliable_count
from shelf.incentive_score
order by service_code, period_start_date, provider_id
