-- grain: One row per month, site and profession whose free appointments were measured.
-- key: [measured_month, site_id, profession_code]
-- purpose: knowledge management
-- may_be_empty: the source may not have begun to send
with
measured as (
    select
        cast(date_trunc('month', measured_date) as date) as measured_month,
        site_id,
        profession_code,
        with_named_days,
        without_named_days
    from current.third_next_available
),

-- A day beyond which the source does not look stands for that day and every later one.
horizon as (
    select max(horizon_days) as horizon_days
    from rulebook.t3_horizon
    where valid_from_date = (select max(newest.valid_from_date) from rulebook.t3_horizon as newest)
),

final as (
    select
        measured.measured_month,
        measured.site_id,
        site_month.provider_id,
        site_month.municipality_code,
        measured.profession_code,
        cast(median(measured.with_named_days) as decimal(5, 1)) as with_named_days_median,
        cast(median(measured.without_named_days) as decimal(5, 1)) as without_named_days_median,
        count(measured.with_named_days) as with_named_count,
        count(measured.without_named_days) as without_named_count,
        count(
            case when measured.without_named_days >= horizon.horizon_days then 1 end
        ) as at_horizon_count
    from measured
    cross join horizon
    -- What a site nobody knows has to offer counts, at no provider.
    left join core.site_month as site_month
        on
            measured.site_id = site_month.site_id
            and measured.measured_month = site_month.calendar_month
    group by
        measured.measured_month,
        measured.site_id,
        site_month.provider_id,
        site_month.municipality_code,
        measured.profession_code
)

select
    measured_month,
    site_id,
    provider_id,
    municipality_code,
    profession_code,
    with_named_days_median,
    without_named_days_median,
    with_named_count,
    without_named_count,
    at_horizon_count
from final
