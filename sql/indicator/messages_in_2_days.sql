-- grain: One row per provider and period.
-- key: [provider_id, period_start_date]
-- may_be_empty: the source may not have begun to send
select
    provider_id,
    period_start_date,
    numerator,
    denominator,
    reporter_code
from core.channel_figure
where figure_code = 'messages_in_2_days'
