-- grain: One row per key figure, with the month or day that it is of.
with
enrolled as (
    select
        enrolment_month,
        sum(person_count) as person_count
    from shelf.enrolled_by_provider
    group by enrolment_month
),

paid as (
    select
        settlement_month,
        sum(case when not is_shadow then amount_eur else 0 end) as paid_eur,
        sum(case when is_shadow then amount_eur else 0 end) as shadow_eur
    from shelf.capitation_payment
    group by settlement_month
),

due as (
    select
        period_start_date,
        count(*) as value_count,
        sum(case when state_code = 'measured' then 1 else 0 end) as measured_count,
        sum(case when state_code = 'overdue' then 1 else 0 end) as overdue_count
    from shelf.indicator_value
    where not is_to_date
    group by period_start_date
),

delivery as (
    select distinct
        source,
        table_name,
        delivery_sequence,
        received_count,
        quarantined_count,
        cast(date_trunc('month', covers_to_date) as date) as covers_month
    from shelf.data_quality
),

sent as (
    select
        covers_month,
        sum(received_count) as received_count,
        sum(quarantined_count) as quarantined_count
    from delivery
    group by covers_month
),

figure as (
    select
        1 as figure_number,
        'enrolled' as figure_code,
        'count' as unit_code,
        enrolment_month as figure_month,
        cast(person_count as decimal(18, 2)) as figure_value
    from enrolled
    union all
    select
        2 as figure_number,
        'paid' as figure_code,
        'eur' as unit_code,
        settlement_month as figure_month,
        cast(paid_eur as decimal(18, 2)) as figure_value
    from paid
    union all
    select
        3 as figure_number,
        'shadow' as figure_code,
        'eur' as unit_code,
        settlement_month as figure_month,
        cast(shadow_eur as decimal(18, 2)) as figure_value
    from paid
    union all
    select
        4 as figure_number,
        'measured' as figure_code,
        'pct' as unit_code,
        period_start_date as figure_month,
        cast(100 * cast(measured_count as double) / nullif(value_count, 0) as decimal(18, 2))
            as figure_value
    from due
    union all
    select
        5 as figure_number,
        'overdue' as figure_code,
        'count' as unit_code,
        period_start_date as figure_month,
        cast(overdue_count as decimal(18, 2)) as figure_value
    from due
    union all
    select
        6 as figure_number,
        'quarantined' as figure_code,
        'pct' as unit_code,
        covers_month as figure_month,
        cast(
            100 * cast(quarantined_count as double) / nullif(received_count, 0) as decimal(18, 2)
        ) as figure_value
    from sent
)

select
    figure_code,
    unit_code,
    figure_month,
    figure_value,
    lag(figure_value) over (partition by figure_code order by figure_month) as previous_value
from figure
qualify row_number() over (partition by figure_code order by figure_month desc) = 1
order by figure_number
