-- grain: One row per delivery and rule.
-- key: [source, table_name, delivery_sequence, rule_id]
-- purpose: knowledge management
with
final as (
    select
        rule_result.source,
        rule_result.table_name,
        rule_result.delivery_sequence,
        rule_result.rule_id,
        rule_result.dimension,
        rule_result.severity,
        rule_result.violated_count,
        rule_result.checked_count,
        round(
            100 * cast(rule_result.violated_count as double)
            / nullif(rule_result.checked_count, 0),
            4
        ) as violated_pct,
        delivery.received_count,
        delivery.accepted_count,
        delivery.quarantined_count,
        delivery.duplicate_count,
        delivery.covers_to_date
    from ops.rule_result as rule_result
    inner join ops.delivery as delivery
        on
            rule_result.source = delivery.source
            and rule_result.table_name = delivery.table_name
            and rule_result.delivery_sequence = delivery.delivery_sequence
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
