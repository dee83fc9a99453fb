-- grain: One row per provider and period.
-- key: [provider_id, period_start_date]
-- may_be_empty: nobody may be on a list yet
select
    provider_id,
    period_start_date,
    event_count as numerator,
    standard_years as denominator
from core.standardised_use
where use_code = 'emergency'
