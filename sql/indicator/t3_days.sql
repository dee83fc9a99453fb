-- grain: One row per provider, service and period.
-- key: [provider_id, service_code, period_start_date]
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        site.provider_id,
        site.service_code,
        period.period_start_date,
        cast(sum(measured.without_named_days) as bigint) as numerator,
        count(*) as denominator
    from current.third_next_available as measured
    inner join core.indicator_period as period
        on
            measured.measured_date >= period.period_start_date
            and measured.measured_date <= period.period_end_date
    -- What a site nobody knows has to offer is of no provider.
    inner join core.site as site
        on
            measured.site_id = site.site_id
            and measured.measured_date >= site.valid_from_date
            and (site.valid_to_date is null or measured.measured_date < site.valid_to_date)
    -- Doctors and dentists.
    where
        measured.profession_code in ('2221', '2222')
        and measured.without_named_days is not null
    group by site.provider_id, site.service_code, period.period_start_date
)

select
    provider_id,
    service_code,
    period_start_date,
    numerator,
    denominator
from final
