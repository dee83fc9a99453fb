-- grain: One row per provider, service of which it had a site, indicator and period.
-- key: [provider_id, service_code, indicator_id, period_start_date]
-- purpose: knowledge management
-- may_be_empty: deliveries may all be of the time before the first period
with
cell as (
    select distinct
        site.provider_id,
        site.service_code,
        service.indicator_id,
        period.period_start_date,
        period.period_end_date,
        period.month_count
    from core.site as site
    inner join rulebook.indicator_service as service on site.service_code = service.service_code
    inner join core.indicator_period as period
        on
            site.valid_from_date <= period.period_end_date
            and (site.valid_to_date is null or site.valid_to_date > period.period_start_date)
),

-- Tables of which a month of the period has not come, or is withdrawn.
lacking_table as (
    select
        indicator_delivery.indicator_id,
        indicator_delivery.source,
        indicator_delivery.table_name,
        period.period_start_date
    from rulebook.indicator_delivery as indicator_delivery
    cross join core.indicator_period as period
    left join effective.delivery as delivery
        on
            indicator_delivery.source = delivery.source
            and indicator_delivery.table_name = delivery.table_name
            and period.period_start_date <= delivery.covers_to_date
            and period.period_end_date >= delivery.covers_to_date
    group by
        indicator_delivery.indicator_id,
        indicator_delivery.source,
        indicator_delivery.table_name,
        period.period_start_date,
        period.month_count
    having count(distinct date_trunc('month', delivery.covers_to_date)) < period.month_count
),

lacking as (
    select distinct
        indicator_id,
        period_start_date
    from lacking_table
),

-- Figures that who counts or gathers them has found unfit.
unfit as (
    select distinct
        figure.indicator_id,
        figure.provider_id,
        period.period_start_date
    from rulebook.unfit_figure as figure
    inner join core.indicator_period as period
        on
            figure.from_date <= period.period_end_date
            and figure.to_date >= period.period_start_date
),

described as (
    select
        cell.provider_id,
        cell.service_code,
        cell.indicator_id,
        cell.period_start_date,
        cell.period_end_date,
        indicator.unit_code,
        indicator.interval_code,
        -- Where the lake counted nothing of a provider, it is for the provider to report.
        case
            when counted.reporter_code is not null then counted.reporter_code
            when indicator.reporter_code = 'lake_or_provider' then 'provider'
            else indicator.reporter_code
        end as reporter_code,
        cast(indicator.multiplier as hugeint) as multiplier,
        indicator.minimum_denominator,
        cell.period_start_date >= indicator.valid_from_date
        and indicator_month.end_month is not null as is_scheduled,
        reached.reached_date >= cell.period_end_date + indicator.due_days as is_due,
        -- Of a provider's own figures nothing is known before the period is over.
        reached.reached_date < cell.period_end_date or lacking.indicator_id is not null
            as is_open,
        unfit.indicator_id is not null as is_unfit,
        scorecard.indicator_state_code as declared_code,
        counted.numerator,
        counted.denominator
    from cell
    cross join core.reached as reached
    inner join rulebook.indicator as indicator on cell.indicator_id = indicator.indicator_id
    left join rulebook.indicator_month as indicator_month
        on
            cell.indicator_id = indicator_month.indicator_id
            and month(cell.period_end_date) = indicator_month.end_month
    left join lacking
        on
            cell.indicator_id = lacking.indicator_id
            and cell.period_start_date = lacking.period_start_date
    left join unfit
        on
            cell.provider_id = unfit.provider_id
            and cell.indicator_id = unfit.indicator_id
            and cell.period_start_date = unfit.period_start_date
    left join core.scorecard_indicator as scorecard
        on
            cell.provider_id = scorecard.provider_id
            and indicator.declared_as_code = scorecard.indicator_code
            and cell.period_end_date = scorecard.period_end_date
    left join indicator.counted as counted
        on
            cell.provider_id = counted.provider_id
            and cell.service_code = counted.service_code
            and cell.indicator_id = counted.indicator_id
            and cell.period_start_date = counted.period_start_date
),

scaled as (
    select
        indicator_id,
        floor_value,
        ceiling_value,
        valid_from_date,
        lead(valid_from_date, 1, date '9999-12-31') over (
            partition by indicator_id order by valid_from_date
        ) as next_from_date
    from rulebook.indicator_scale
),

-- A quotient to four decimals, halves away from nought, in whole numbers: (2a + b) // 2b.
valued as (
    select
        *,
        case
            when denominator > 0
                then
                    cast(
                        cast(
                            sign(numerator)
                            * (
                                (
                                    2 * cast(abs(numerator) * 10000 as hugeint) * multiplier * 10000
                                    + cast(denominator * 10000 as hugeint)
                                )
                                // (2 * cast(denominator * 10000 as hugeint))
                            ) as decimal(18, 0)
                        )
                        * 0.0001 as decimal(18, 4)
                    )
        end as quotient
    from described
),

-- No true value lies beyond the ceiling, and no part is more than its whole.
judged as (
    select
        valued.*,
        coalesce(
            (valued.unit_code = 'pct' and valued.numerator > valued.denominator)
            or (valued.interval_code <> 'none' and valued.numerator < 0)
            or (
                scaled.floor_value < scaled.ceiling_value
                and valued.quotient > scaled.ceiling_value
            )
            or (
                scaled.floor_value > scaled.ceiling_value
                and valued.quotient < scaled.ceiling_value
            ),
            false
        ) as is_impossible
    from valued
    left join scaled
        on
            valued.indicator_id = scaled.indicator_id
            and valued.period_start_date >= scaled.valid_from_date
            and valued.period_start_date < scaled.next_from_date
),

stated as (
    select
        *,
        case
            when not is_scheduled then 'not_scheduled'
            when is_unfit then 'unreliable'
            -- What a provider says of figures is of its own alone, never of what others count.
            when reporter_code = 'provider'
                then
                    case
                        when declared_code = 'unreliable' then 'unreliable'
                        when declared_code = 'no_cases' and coalesce(denominator, 0) = 0
                            then 'too_small'
                        -- An impossible figure counts as not delivered.
                        when denominator is null or is_impossible
                            then case when is_due then 'overdue' else 'not_scheduled' end
                        when denominator < minimum_denominator then 'too_small'
                        else 'measured'
                    end
            when is_open and is_due then 'overdue'
            when coalesce(denominator, 0) < minimum_denominator then 'too_small'
            else 'measured'
        end as state_code
    from judged
),

-- Wilson's score interval of a share, Byar's of a rate, both at 95 %: in doubles, for they are
-- shown and never counted with.
bounded as (
    select
        *,
        cast(numerator as double) as found,
        cast(nullif(denominator, 0) as double) as base,
        cast(multiplier as double) as times
    from stated
    where state_code = 'measured' and interval_code <> 'none'
),

interval_of as (
    select
        provider_id,
        service_code,
        indicator_id,
        period_start_date,
        case interval_code
            when 'wilson'
                then
                    times * (
                        found + 1.9208
                        - 1.96 * sqrt(greatest(found * (base - found) / base, 0) + 0.9604)
                    ) / (base + 3.8416)
            when 'byar'
                then
                    case
                        when found > 0
                            then
                                times * found * pow(
                                    greatest(1 - 1 / (9 * found) - 1.96 / (3 * sqrt(found)), 0), 3
                                ) / base
                        else 0.0
                    end
        end as lower_end,
        case interval_code
            when 'wilson'
                then
                    times * (
                        found + 1.9208
                        + 1.96 * sqrt(greatest(found * (base - found) / base, 0) + 0.9604)
                    ) / (base + 3.8416)
            when 'byar'
                then
                    times * (found + 1) * pow(
                        1 - 1 / (9 * (found + 1)) + 1.96 / (3 * sqrt(found + 1)), 3
                    ) / base
        end as upper_end
    from bounded
),

final as (
    select
        stated.provider_id,
        stated.service_code,
        stated.indicator_id,
        stated.period_start_date,
        stated.period_end_date,
        -- What is counted while months are still to come is an early warning; of what is due, or
        -- not asked for, nothing more is waited for.
        stated.is_scheduled
        and not stated.is_due
        and (stated.reporter_code = 'provider' or stated.is_open) as is_to_date,
        -- What few have said or had is not shown.
        case
            when stated.is_scheduled and stated.state_code <> 'too_small' then stated.numerator
        end as numerator,
        case when stated.is_scheduled then stated.denominator end as denominator,
        case when stated.state_code = 'measured' then stated.quotient end as value,
        cast(round(interval_of.lower_end, 4) as decimal(18, 4)) as lower_value,
        cast(round(interval_of.upper_end, 4) as decimal(18, 4)) as upper_value,
        stated.interval_code,
        cast(stated.multiplier as integer) as multiplier,
        stated.state_code,
        stated.reporter_code
    from stated
    left join interval_of
        on
            stated.provider_id = interval_of.provider_id
            and stated.service_code = interval_of.service_code
            and stated.indicator_id = interval_of.indicator_id
            and stated.period_start_date = interval_of.period_start_date
)

select
    provider_id,
    service_code,
    indicator_id,
    period_start_date,
    period_end_date,
    is_to_date,
    numerator,
    denominator,
    value,
    lower_value,
    upper_value,
    interval_code,
    multiplier,
    state_code,
    reporter_code
from final
