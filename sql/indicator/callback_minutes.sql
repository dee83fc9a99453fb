-- grain: One row per provider and period.
-- key: [provider_id, period_start_date]
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        site.provider_id,
        period.period_start_date,
        cast(sum(week.callback_minutes * week.answered_count) as decimal(18, 1)) as numerator,
        cast(sum(week.answered_count) as bigint) as denominator
    from current.contact_channels as week
    inner join core.indicator_period as period
        on
            week.week_start_date >= period.period_start_date
            and week.week_start_date <= period.period_end_date
    -- What comes to a site nobody knows is of no provider.
    inner join core.site as site
        on
            week.site_id = site.site_id
            and week.week_start_date >= site.valid_from_date
            and (site.valid_to_date is null or week.week_start_date < site.valid_to_date)
    where
        week.channel_code = 'telephone'
        and week.callback_minutes is not null
    group by site.provider_id, period.period_start_date
)

select
    provider_id,
    period_start_date,
    numerator,
    denominator
from final
