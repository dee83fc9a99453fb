-- grain: One row per delivery and rule.
-- key: [source, table_name, delivery_sequence, rule_id]
-- purpose: knowledge management
with
rule_result as (
    select
        source,
        table_name,
        delivery_sequence,
        rule_id,
        dimension,
        severity,
        violated_count,
        checked_count
    from ops.rule_result
    union all
    -- Codes are judged when core is built, by the lists as they are then.
    select
        source,
        table_name,
        delivery_sequence,
        concat(column_name, '.code_list') as rule_id,
        'conformance' as dimension,
        severity,
        unknown_count + not_in_force_count + dropped_count as violated_count,
        coded_count as checked_count
    from core.code_use
),

in_force as (
    select
        delivery.source,
        delivery.table_name,
        delivery.delivery_sequence,
        delivery.received_count,
        delivery.covers_to_date,
        cast(delivery.landed_at as date) as landed_date,
        promise.sequence_step,
        promise.freshness_days,
        -- Each sender of a quarter sends its own volume.
        case
            when promise.sequence_step = 'sender_quarter' then delivery.delivery_sequence % 100
            else 0
        end as sender_number
    from effective.delivery as delivery
    inner join rulebook.promise as promise
        on delivery.source = promise.source and delivery.table_name = promise.table_name
),

-- What a delivery of the table usually holds: the median of the year before, of three at least.
usual as (
    select
        later.source,
        later.table_name,
        later.delivery_sequence,
        later.received_count,
        median(earlier.received_count) as usual_count,
        count(earlier.received_count) as earlier_count
    from in_force as later
    left join in_force as earlier
        on
            later.source = earlier.source
            and later.table_name = earlier.table_name
            and later.sender_number = earlier.sender_number
            and later.covers_to_date > earlier.covers_to_date
            and earlier.covers_to_date >= later.covers_to_date - interval 1 year
    group by
        later.source, later.table_name, later.delivery_sequence, later.received_count
),

volume as (
    select
        source,
        table_name,
        delivery_sequence,
        'volume.as_before' as rule_id,
        'plausibility' as dimension,
        'warning' as severity,
        case
            when earlier_count < 3 then 0
            when received_count > 2 * usual_count or 2 * received_count < usual_count then 1
            else 0
        end as violated_count,
        case when earlier_count < 3 then 0 else 1 end as checked_count
    from usual
),

first_landed as (
    select
        source,
        table_name,
        min(landed_date) as first_landed_date
    from in_force
    group by source, table_name
),

-- A table's history is loaded when it is taken into use; only what came due since can be late.
arrival as (
    select
        in_force.source,
        in_force.table_name,
        in_force.delivery_sequence,
        'freshness.arrived_in_time' as rule_id,
        'plausibility' as dimension,
        'warning' as severity,
        case
            when
                date_diff('day', in_force.covers_to_date, first_landed.first_landed_date)
                > in_force.freshness_days
                then 0
            when
                date_diff('day', in_force.covers_to_date, in_force.landed_date)
                > in_force.freshness_days
                then 1
            else 0
        end as violated_count,
        case
            when
                date_diff('day', in_force.covers_to_date, first_landed.first_landed_date)
                > in_force.freshness_days
                then 0
            else 1
        end as checked_count
    from in_force
    inner join first_landed
        on
            in_force.source = first_landed.source
            and in_force.table_name = first_landed.table_name
),

-- The lake's own day: the last one that any monthly delivery covers. No clock is read, so that the
-- same deliveries give the same rows; `tietoallas quality report --as-of` judges by another day.
lake_day as (
    select max(covers_to_date) as as_of_date
    from in_force
    where sequence_step = 'month'
),

newest as (
    select
        source,
        table_name,
        sequence_step,
        freshness_days,
        max(delivery_sequence) as delivery_sequence,
        max(covers_to_date) as covers_to_date
    from in_force
    group by source, table_name, sequence_step, freshness_days
),

next_due as (
    select
        newest.source,
        newest.table_name,
        newest.delivery_sequence,
        newest.freshness_days,
        lake_day.as_of_date,
        case newest.sequence_step
            when 'month' then last_day(newest.covers_to_date + interval 1 month)
            when 'sender_quarter' then last_day(newest.covers_to_date + interval 3 month)
            when 'year' then last_day(newest.covers_to_date + interval 1 year)
            when 'year_release' then last_day(newest.covers_to_date + interval 1 year)
        end as next_covers_to_date
    from newest
    cross join lake_day
),

up_to_date as (
    select
        source,
        table_name,
        delivery_sequence,
        'freshness.up_to_date' as rule_id,
        'plausibility' as dimension,
        'warning' as severity,
        case
            when date_diff('day', next_covers_to_date, as_of_date) > freshness_days then 1
            else 0
        end as violated_count,
        case when next_covers_to_date is null or as_of_date is null then 0 else 1 end
            as checked_count
    from next_due
),

judged as (
    select
        source,
        table_name,
        delivery_sequence,
        rule_id,
        dimension,
        severity,
        violated_count,
        checked_count
    from rule_result
    union all
    select
        source,
        table_name,
        delivery_sequence,
        rule_id,
        dimension,
        severity,
        violated_count,
        checked_count
    from volume
    union all
    select
        source,
        table_name,
        delivery_sequence,
        rule_id,
        dimension,
        severity,
        violated_count,
        checked_count
    from arrival
    union all
    select
        source,
        table_name,
        delivery_sequence,
        rule_id,
        dimension,
        severity,
        violated_count,
        checked_count
    from up_to_date
),

final as (
    select
        judged.source,
        judged.table_name,
        judged.delivery_sequence,
        judged.rule_id,
        judged.dimension,
        judged.severity,
        case
            when judged.checked_count = 0 and judged.violated_count = 0 then 'not_applicable'
            when judged.violated_count = 0 then 'pass'
            when judged.severity = 'warning' then 'pass_with_failures'
            else 'fail'
        end as status,
        cast(judged.violated_count as bigint) as violated_count,
        cast(judged.checked_count as bigint) as checked_count,
        round(
            100 * cast(judged.violated_count as double) / nullif(judged.checked_count, 0), 4
        ) as violated_pct,
        delivery.received_count,
        delivery.accepted_count,
        delivery.quarantined_count,
        delivery.duplicate_count,
        delivery.covers_to_date
    from judged
    inner join ops.delivery as delivery
        on
            judged.source = delivery.source
            and judged.table_name = delivery.table_name
            and judged.delivery_sequence = delivery.delivery_sequence
)

select
    source,
    table_name,
    delivery_sequence,
    rule_id,
    dimension,
    severity,
    status,
    violated_count,
    checked_count,
    violated_pct,
    received_count,
    accepted_count,
    quarantined_count,
    duplicate_count,
    covers_to_date
from final
