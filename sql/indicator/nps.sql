-- grain: One row per provider, service and period.
-- key: [provider_id, service_code, period_start_date]
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        response.provider_id,
        site.service_code,
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
    -- Of a site that was not open on the day no service is known.
    inner join core.site as site
        on
            response.site_id = site.site_id
            and response.answered_date >= site.valid_from_date
            and (site.valid_to_date is null or response.answered_date < site.valid_to_date)
    where
        response.survey_code = 'experience'
        and response.item_code = 'NPS'
        and response.answer is not null
        and response.provider_id is not null
    group by response.provider_id, site.service_code, period.period_start_date
)

select
    provider_id,
    service_code,
    period_start_date,
    numerator,
    denominator
from final
