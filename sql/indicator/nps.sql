-- grain: One row per provider and period.
-- key: [provider_id, period_start_date]
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        response.provider_id,
        period.period_start_date,
        cast(
            sum(case when response.answer >= 9 then 1 when response.answer <= 6 then -1 else 0 end)
            as bigint
        ) as numerator,
        count(*) as denominator
    from core.survey_response as response
    inner join core.indicator_period as period
        on
            response.answered_date >= period.period_start_date
            and response.answered_date <= period.period_end_date
    where
        response.survey_code = 'experience'
        and response.item_code = 'NPS'
        and response.answer is not null
        and response.provider_id is not null
    group by response.provider_id, period.period_start_date
)

select
    provider_id,
    period_start_date,
    numerator,
    denominator
from final
