-- grain: One row per figure of telephone and messages, provider and period, with who reported it.
-- key: [figure_code, provider_id, period_start_date]
-- may_be_empty: the source may not have begun to send
with
-- What the organiser's own systems counted. What comes to a site nobody knows is of no provider.
seen as (
    select
        week.figure_code,
        site.provider_id,
        period.period_start_date,
        cast(sum(week.part) as decimal(18, 2)) as numerator,
        cast(sum(week.whole) as decimal(18, 2)) as denominator
    from core.channel_week as week
    inner join core.indicator_period as period
        on
            week.week_start_date >= period.period_start_date
            and week.week_start_date <= period.period_end_date
    inner join core.site as site
        on
            week.site_id = site.site_id
            and week.week_start_date >= site.valid_from_date
            and (site.valid_to_date is null or week.week_start_date < site.valid_to_date)
    group by week.figure_code, site.provider_id, period.period_start_date
),

-- Of providers with systems of their own there is the workbook alone.
reported as (
    select
        scorecard.indicator_code as figure_code,
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
            scorecard.indicator_code = seen.figure_code
            and scorecard.provider_id = seen.provider_id
            and period.period_start_date = seen.period_start_date
    where
        scorecard.indicator_code in ('calls_answered', 'messages_in_2_days')
        and scorecard.indicator_state_code = 'measured'
        and seen.provider_id is null
),

final as (
    select
        figure_code,
        provider_id,
        period_start_date,
        numerator,
        denominator,
        'lake' as reporter_code
    from seen
    union all
    select
        figure_code,
        provider_id,
        period_start_date,
        numerator,
        denominator,
        'provider' as reporter_code
    from reported
)

select
    figure_code,
    provider_id,
    period_start_date,
    numerator,
    denominator,
    reporter_code
from final
