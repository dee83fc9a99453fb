-- grain: One row per month that deliveries reach to, and source.
with
delivery as (
    select distinct
        source,
        table_name,
        delivery_sequence,
        received_count,
        quarantined_count,
        duplicate_count,
        cast(date_trunc('month', covers_to_date) as date) as covers_month
    from shelf.data_quality
)

select
    covers_month,
    source,
    cast(sum(received_count) as bigint) as received_count,
    cast(sum(quarantined_count) as bigint) as quarantined_count,
    cast(sum(duplicate_count) as bigint) as duplicate_count,
    cast(
        100 * cast(sum(quarantined_count) as double) / nullif(sum(received_count), 0)
        as decimal(18, 2)
    ) as quarantined_pct
from delivery
group by covers_month, source
order by covers_month, source
