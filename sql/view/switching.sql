-- grain: One row per provider and period.
-- Those who left a list of those who were on it, as the indicator counts them.
select
    provider_id,
    period_start_date,
    period_end_date,
    is_to_date,
    cast(numerator as bigint) as switched_count,
    cast(denominator as bigint) as list_count,
    value as switched_pct,
    lower_value as lower_pct,
    upper_value as upper_pct,
    state_code
from shelf.indicator_value
where indicator_id = 'switches_away'
order by period_start_date, provider_id
