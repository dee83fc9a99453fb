-- grain: One row per source, of all its deliveries.
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
)

select
    source,
    count(*) as delivery_count,
    cast(sum(received_count) as bigint) as received_count,
    cast(sum(accepted_count) as bigint) as accepted_count,
    cast(sum(quarantined_count) as bigint) as quarantined_count,
    cast(sum(duplicate_count) as bigint) as duplicate_count,
    max(covers_to_date) as covers_to_date
from delivery
group by source
order by source
