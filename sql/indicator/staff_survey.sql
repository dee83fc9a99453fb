-- grain: One row per provider and period.
-- key: [provider_id, period_start_date]
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        response.provider_id,
        period.period_start_date,
        cast(sum(response.answer) as bigint) as numerator,
        count(*) as denominator
    from core.staff_survey_response as response
    inner join core.indicator_period as period
        on
            response.survey_date >= period.period_start_date
            and response.survey_date <= period.period_end_date
    where response.answer is not null
    group by response.provider_id, period.period_start_date
)

select
    provider_id,
    period_start_date,
    numerator,
    denominator
from final
