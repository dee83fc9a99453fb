-- grain: One row per provider, service and period.
-- key: [provider_id, service_code, period_start_date]
-- partition: period_start_date
-- touched:
--   - select period_start_date from changed.indicator_period
--   - >-
--     select period.period_start_date
--     from core.indicator_period as period cross join changed.site
--   - >-
--     select period.period_start_date
--     from core.indicator_period as period
--     inner join changed.access_event as access_event
--     on access_event.contact_month <= period.period_end_date
-- may_be_empty: the source may not have begun to send
with
visited as (
    select
        site_id,
        visit_wait_days,
        civil_date(visited_at) as visited_date
    from core.access_event
    where visited_at is not null
),

final as (
    select
        site.provider_id,
        site.service_code,
        period.period_start_date,
        count(case when visited.visit_wait_days <= 7 then 1 end) as numerator,
        count(*) as denominator
    from visited
    inner join core.indicator_period as period
        on
            visited.visited_date >= period.period_start_date
            and visited.visited_date <= period.period_end_date
    -- A protected person's site is not known: they belong to no provider's figures.
    inner join core.site as site
        on
            visited.site_id = site.site_id
            and visited.visited_date >= site.valid_from_date
            and (site.valid_to_date is null or visited.visited_date < site.valid_to_date)
    group by site.provider_id, site.service_code, period.period_start_date
)

select
    provider_id,
    service_code,
    period_start_date,
    numerator,
    denominator
from final
