-- grain: One row per delivered table and rule that its newest delivery breaks.
with
newest as (
    select
        source,
        table_name,
        max(delivery_sequence) as delivery_sequence
    from shelf.data_quality
    group by source, table_name
)

select
    quality.source,
    quality.table_name,
    quality.rule_id,
    quality.dimension as dimension_code,
    quality.severity as severity_code,
    quality.violated_count,
    quality.checked_count,
    cast(quality.violated_pct as decimal(18, 2)) as violated_pct,
    quality.covers_to_date
from shelf.data_quality as quality
inner join newest
    on
        quality.source = newest.source
        and quality.table_name = newest.table_name
        and quality.delivery_sequence = newest.delivery_sequence
where quality.violated_count > 0
order by quality.source, quality.table_name, quality.rule_id
