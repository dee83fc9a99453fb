-- grain: One row per provider and period.
-- key: [provider_id, period_start_date]
-- may_be_empty: the source may not have begun to send
select
    provider_id,
    period_start_date,
    in_balance_count as numerator,
    client_count as denominator
from core.treatment_balance
where goal_id = 'bp_in_balance'
