-- grain: One row per period of the scorecards, up to the one that monthly deliveries have reached.
-- key: [period_start_date]
-- may_be_empty: deliveries may all be of the time before the first period
with
length as (
    select
        valid_from_date,
        period_months,
        lead(valid_from_date, 1, date '9999-12-31') over (order by valid_from_date)
            as next_from_date
    from rulebook.reporting_period
),

-- A year beyond what is reached, so that the period under way has its end.
listed as (
    select
        length.valid_from_date,
        length.next_from_date,
        length.period_months,
        cast(
            unnest(
                generate_series(
                    length.valid_from_date,
                    cast(reached.reached_date + interval 12 month as date),
                    interval 1 month
                )
            ) as date
        ) as listed_month
    from length
    cross join core.reached as reached
    where reached.reached_date >= length.valid_from_date
),

numbered as (
    select
        valid_from_date,
        listed_month,
        (
            (year(listed_month) - year(valid_from_date)) * 12
            + month(listed_month) - month(valid_from_date)
        ) // period_months as period_number
    from listed
    where listed_month < next_from_date
),

grouped as (
    select
        min(listed_month) as period_start_date,
        cast(max(listed_month) + interval 1 month as date) - 1 as period_end_date,
        cast(count(*) as integer) as month_count
    from numbered
    group by valid_from_date, period_number
),

final as (
    select
        grouped.period_start_date,
        cast(grouped.period_end_date as date) as period_end_date,
        grouped.month_count
    from grouped
    cross join core.reached as reached
    where grouped.period_start_date <= reached.reached_date
)

select
    period_start_date,
    period_end_date,
    month_count
from final
