-- grain: One row per delivery and rule.
-- key: [source, table_name, delivery_sequence, rule_id]
-- purpose: knowledge management
with
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

final as (
    select
        judged.source,
        judged.table_name,
        judged.delivery_sequence,
        judged.rule_id,
        judged.dimension,
        judged.severity,
        judged.violated_count,
        judged.checked_count,
        round(
            100 * cast(judged.violated_count as double) / nullif(judged.checked_count, 0),
            4
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
    violated_count,
    checked_count,
    violated_pct,
    received_count,
    accepted_count,
    quarantined_count,
    duplicate_count,
    covers_to_date
from final
