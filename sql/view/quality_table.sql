-- grain: One row per delivered table.
with
delivery as (
    select distinct
        source,
        table_name,
        delivery_sequence,
        received_count,
        accepted_count,
        quarantined_count,
        duplicate_count,
        covers_to_date
    from shelf.data_quality
),

reached as (
    select max(covers_to_date) as reached_date
    from delivery
)

select
    delivery.source,
    delivery.table_name,
    count(*) as delivery_count,
    cast(sum(delivery.received_count) as bigint) as received_count,
    cast(sum(delivery.accepted_count) as bigint) as accepted_count,
    cast(sum(delivery.quarantined_count) as bigint) as quarantined_count,
    cast(sum(delivery.duplicate_count) as bigint) as duplicate_count,
    cast(
        100 * cast(sum(delivery.quarantined_count) as double)
        / nullif(sum(delivery.received_count), 0)
        as decimal(18, 2)
    ) as quarantined_pct,
    max(delivery.covers_to_date) as covers_to_date,
    date_diff('day', max(delivery.covers_to_date), max(reached.reached_date)) as behind_days
from delivery
cross join reached
group by delivery.source, delivery.table_name
order by delivery.source, delivery.table_name
