-- grain: One row per provider and period.
-- key: [provider_id, period_start_date]
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        scorecard.provider_id,
        period.period_start_date,
        scorecard.reported_numerator as numerator,
        scorecard.reported_denominator as denominator
    from core.scorecard_indicator as scorecard
    -- A figure of another period than the calendar's is no figure of any.
    inner join core.indicator_period as period
        on
            scorecard.period_start_date = period.period_start_date
            and scorecard.period_end_date = period.period_end_date
    where
        scorecard.indicator_code = 'care_plan'
        and scorecard.indicator_state_code = 'measured'
)

select
    provider_id,
    period_start_date,
    numerator,
    denominator
from final
