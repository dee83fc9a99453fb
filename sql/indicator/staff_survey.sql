-- grain: One row per provider, service and period.
-- key: [provider_id, service_code, period_start_date]
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        response.provider_id,
        staff_service.service_code,
        period.period_start_date,
        cast(sum(response.answer) as bigint) as numerator,
        count(*) as denominator
    from core.staff_survey_response as response
    inner join core.indicator_period as period
        on
            response.survey_date >= period.period_start_date
            and response.survey_date <= period.period_end_date
    -- Who has no site in the period has no figure of it.
    inner join core.staff_service as staff_service
        on
            response.provider_id = staff_service.provider_id
            and response.profession_group_code = staff_service.profession_group_code
            and period.period_start_date = staff_service.period_start_date
    where response.answer is not null
    group by response.provider_id, staff_service.service_code, period.period_start_date
)

select
    provider_id,
    service_code,
    period_start_date,
    numerator,
    denominator
from final
