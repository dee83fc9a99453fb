-- grain: One row per provider and period.
-- key: [provider_id, period_start_date]
-- may_be_empty: the source may not have begun to send
with
-- Calls that the organiser's own systems counted.
seen as (
    select
        site.provider_id,
        period.period_start_date,
        cast(sum(week.answered_count) as decimal(18, 2)) as numerator,
        cast(sum(week.arrived_count) as decimal(18, 2)) as denominator
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
    group by site.provider_id, period.period_start_date
),

-- Of providers with systems of their own there is the workbook alone.
reported as (
    select
        scorecard.provider_id,
        period.period_start_date,
        scorecard.reported_numerator as numerator,
        scorecard.reported_denominator as denominator
    from core.scorecard_indicator as scorecard
    inner join core.indicator_period as period
        on
            scorecard.period_start_date = period.period_start_date
            and scorecard.period_end_date = period.period_end_date
    left join seen
        on
            scorecard.provider_id = seen.provider_id
            and period.period_start_date = seen.period_start_date
    where
        scorecard.indicator_code = 'calls_answered'
        and scorecard.indicator_state_code = 'measured'
        and seen.provider_id is null
),

final as (
    select
        provider_id,
        period_start_date,
        numerator,
        denominator,
        'lake' as reporter_code
    from seen
    union all
    select
        provider_id,
        period_start_date,
        numerator,
        denominator,
        'provider' as reporter_code
    from reported
)

select
    provider_id,
    period_start_date,
    numerator,
    denominator,
    reporter_code
from final
