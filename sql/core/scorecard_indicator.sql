-- grain: One row per provider, indicator and period, as the provider reported it last.
-- key: [provider_id, indicator_code, period_end_date]
-- may_be_empty: no period may have ended
with
final as (
    select
        indicators.provider_id,
        indicators.indicator_code,
        indicators.period_start_date,
        indicators.period_end_date,
        indicators.reported_numerator,
        indicators.reported_denominator,
        indicators.reported_value,
        indicators.unit_code,
        indicators.indicator_state_code,
        indicators.prepared_date,
        -- A figure corrected, or sent late, comes in the workbook of a later period.
        indicators.period_end_date < indicators.reported_to_date as is_of_later_workbook,
        indicators.delivery_sequence,
        indicators.record_number
    from current.indicators as indicators
    -- What a provider nobody knows reports waits in core.unresolved.
    inner join core.provider as provider on indicators.provider_id = provider.provider_id
)

select
    provider_id,
    indicator_code,
    period_start_date,
    period_end_date,
    reported_numerator,
    reported_denominator,
    reported_value,
    unit_code,
    indicator_state_code,
    prepared_date,
    is_of_later_workbook,
    delivery_sequence,
    record_number
from final
