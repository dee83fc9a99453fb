-- grain: One row per provider, item of its scorecard, who reports it and period.
-- key: [provider_id, item_code, reporter_code, period_start_date]
-- purpose: knowledge management
-- may_be_empty: no period may have begun
with
-- A workbook is of the provider, whatever its services; the organiser owes the figures of each.
cell as (
    select
        provider_id,
        indicator_id,
        period_start_date,
        period_end_date,
        sum(denominator) as denominator,
        bool_and(state_code in ('measured', 'too_small', 'unreliable')) as is_counted
    from mart.indicator_value
    group by provider_id, indicator_id, period_start_date, period_end_date
),

-- Scheduled by the indicator's own calendar, where that rules.
scheduled as (
    select distinct
        cell.indicator_id,
        cell.period_start_date
    from cell
    inner join rulebook.indicator_month as indicator_month
        on
            cell.indicator_id = indicator_month.indicator_id
            and month(cell.period_end_date) = indicator_month.end_month
    inner join rulebook.indicator as indicator
        on
            cell.indicator_id = indicator.indicator_id
            and cell.period_start_date >= indicator.valid_from_date
),

answered as (
    select
        score.provider_id,
        period.period_start_date,
        count(distinct score.response_id) as response_count,
        max(score.answered_date) as answered_date
    from core.patient_reported_score as score
    inner join core.indicator_period as period
        on
            score.answered_date >= period.period_start_date
            and score.answered_date <= period.period_end_date
    where score.provider_id is not null
    group by score.provider_id, period.period_start_date
),

-- Periods of which every month of client fees has come; they are of no one provider.
fee_period as (
    select period.period_start_date
    from core.indicator_period as period
    inner join effective.delivery as delivery
        on
            period.period_start_date <= delivery.covers_to_date
            and period.period_end_date >= delivery.covers_to_date
    where delivery.source = 'finance' and delivery.table_name = 'client_fees'
    group by period.period_start_date, period.month_count
    having count(distinct date_trunc('month', delivery.covers_to_date)) >= period.month_count
),

-- One row for each indicator that an item is made of; a provider's by its workbook, the
-- organiser's by what the lake has counted.
part as (
    select
        item.item_code,
        item.reporter_code,
        item.calendar_code,
        item.due_days,
        cell.provider_id,
        cell.period_start_date,
        cell.period_end_date,
        item.calendar_code = 'every_period' or scheduled.indicator_id is not null as is_due,
        case
            when item.reporter_code = 'provider' then scorecard.provider_id is not null
            else cell.is_counted
        end as is_delivered,
        case
            when item.reporter_code = 'provider' then scorecard.prepared_date
        end as reported_date
    from cell
    inner join rulebook.scorecard_item as item on cell.indicator_id = item.indicator_id
    left join scheduled
        on
            cell.indicator_id = scheduled.indicator_id
            and cell.period_start_date = scheduled.period_start_date
    left join core.scorecard_indicator as scorecard
        on
            cell.provider_id = scorecard.provider_id
            and cell.indicator_id = scorecard.indicator_code
            and cell.period_end_date = scorecard.period_end_date
    union all
    -- Health as the enrolled report it: asked of providers that have a list of reception.
    select
        item.item_code,
        item.reporter_code,
        item.calendar_code,
        item.due_days,
        cell.provider_id,
        cell.period_start_date,
        cell.period_end_date,
        true as is_due,
        coalesce(answered.response_count, 0) > 0 as is_delivered,
        answered.answered_date as reported_date
    from cell
    inner join rulebook.scorecard_item as item on item.item_code = 'self_reported_health'
    left join answered
        on
            cell.provider_id = answered.provider_id
            and cell.period_start_date = answered.period_start_date
    where cell.indicator_id = 'switches_away' and coalesce(cell.denominator, 0) > 0
    union all
    select
        item.item_code,
        item.reporter_code,
        item.calendar_code,
        item.due_days,
        provider_period.provider_id,
        provider_period.period_start_date,
        provider_period.period_end_date,
        true as is_due,
        fee_period.period_start_date is not null as is_delivered,
        cast(null as date) as reported_date
    from (
        select distinct
            provider_id,
            period_start_date,
            period_end_date
        from cell
    ) as provider_period
    inner join rulebook.scorecard_item as item on item.item_code = 'client_fees'
    left join fee_period on provider_period.period_start_date = fee_period.period_start_date
),

counted as (
    select
        provider_id,
        item_code,
        period_start_date,
        period_end_date,
        reporter_code,
        calendar_code,
        period_end_date + due_days as due_date,
        count(*) as due_count,
        count(case when is_delivered then 1 end) as delivered_count,
        max(reported_date) as reported_date
    from part
    where is_due
    group by
        provider_id,
        item_code,
        period_start_date,
        period_end_date,
        reporter_code,
        calendar_code,
        due_days
),

final as (
    select
        counted.provider_id,
        counted.item_code,
        counted.period_start_date,
        counted.period_end_date,
        counted.reporter_code,
        counted.calendar_code,
        case when counted.calendar_code <> 'on_request' then counted.due_date end as due_date,
        counted.due_count,
        counted.delivered_count,
        counted.reported_date,
        case
            when
                counted.delivered_count = counted.due_count
                and counted.calendar_code <> 'on_request'
                and counted.reported_date > counted.due_date
                then 'late'
            when counted.delivered_count = counted.due_count then 'delivered'
            when counted.calendar_code = 'on_request' then 'on_request'
            when reached.reached_date < counted.due_date then 'not_due'
            else 'overdue'
        end as reporting_state_code
    from counted
    cross join core.reached as reached
)

select
    provider_id,
    item_code,
    period_start_date,
    period_end_date,
    reporter_code,
    calendar_code,
    due_date,
    due_count,
    delivered_count,
    reported_date,
    reporting_state_code
from final
