-- grain: One row per figure that a provider reported, or that it left out and the lake has.
-- key: [provider_id, indicator_id, period_end_date]
-- purpose: knowledge management
-- may_be_empty: no period may have ended
with
tolerance as (
    select
        unit_code,
        value_difference,
        denominator_share
    from rulebook.scorecard_tolerance
    qualify row_number() over (partition by unit_code order by valid_from_date desc) = 1
),

-- What the workbook asks for, of providers of the services that have the indicator.
asked as (
    select distinct
        cell.provider_id,
        cell.indicator_id,
        cell.period_start_date,
        cell.period_end_date
    from mart.indicator_value as cell
    inner join rulebook.scorecard_item as item
        on cell.indicator_id = item.indicator_id
    where item.reporter_code = 'provider'
),

reached as (
    select max(covers_to_date) as reached_date
    from effective.delivery
    where source = 'provider_scorecards' and table_name = 'indicators'
),

-- What is counted from anything but the reported figure itself, and as the workbook counts it:
-- all services of the provider together, and treatment balance by result, not by client.
computed as (
    select
        counted.provider_id,
        counted.indicator_id,
        period.period_end_date,
        cast(sum(counted.numerator) as decimal(18, 4)) as numerator,
        cast(sum(counted.denominator) as decimal(18, 4)) as denominator
    from indicator.counted as counted
    inner join core.indicator_period as period
        on counted.period_start_date = period.period_start_date
    inner join rulebook.indicator as indicator on counted.indicator_id = indicator.indicator_id
    -- What is counted of a service that the indicator is not of is asked of nobody.
    inner join rulebook.indicator_service as service
        on
            counted.indicator_id = service.indicator_id
            and counted.service_code = service.service_code
    where
        counted.indicator_id not in (
            select by_result.indicator_id from rulebook.scorecard_result as by_result
        )
        and indicator.numerator_model <> 'core.scorecard_indicator'
        and not (
            indicator.reporter_code = 'lake_or_provider' and counted.reporter_code = 'provider'
        )
    group by counted.provider_id, counted.indicator_id, period.period_end_date
    union all
    select
        result.provider_id,
        result.indicator_id,
        period.period_end_date,
        cast(result.below_count as decimal(18, 4)) as numerator,
        cast(result.result_count as decimal(18, 4)) as denominator
    from core.treatment_result as result
    inner join core.indicator_period as period
        on result.period_start_date = period.period_start_date
),

reported as (
    select
        provider_id,
        indicator_code as indicator_id,
        period_start_date,
        period_end_date,
        reported_numerator,
        reported_denominator,
        reported_value,
        indicator_state_code
    from core.scorecard_indicator
),

cell as (
    select
        provider_id,
        indicator_id,
        period_start_date,
        period_end_date
    from reported
    union
    select
        asked.provider_id,
        asked.indicator_id,
        asked.period_start_date,
        asked.period_end_date
    from asked
    -- Of a period for which workbooks have come at all.
    cross join reached
    where asked.period_end_date <= reached.reached_date
),

valued as (
    select
        cell.provider_id,
        cell.indicator_id,
        cell.period_start_date,
        cell.period_end_date,
        coalesce(reported.indicator_state_code, 'left_out') as reported_state_code,
        reported.reported_numerator,
        reported.reported_denominator,
        reported.reported_value,
        computed.numerator as computed_numerator,
        computed.denominator as computed_denominator,
        cast(
            round(
                cast(computed.numerator as double) * indicator.multiplier
                / nullif(computed.denominator, 0), 4
            ) as decimal(18, 4)
        ) as computed_value,
        indicator.indicator_id is null as is_unknown,
        tolerance.value_difference as tolerated_difference,
        tolerance.denominator_share as tolerated_share
    from cell
    left join reported
        on
            cell.provider_id = reported.provider_id
            and cell.indicator_id = reported.indicator_id
            and cell.period_end_date = reported.period_end_date
    left join computed
        on
            cell.provider_id = computed.provider_id
            and cell.indicator_id = computed.indicator_id
            and cell.period_end_date = computed.period_end_date
    left join rulebook.indicator as indicator on cell.indicator_id = indicator.indicator_id
    left join tolerance on indicator.unit_code = tolerance.unit_code
),

final as (
    select
        provider_id,
        indicator_id,
        period_start_date,
        period_end_date,
        reported_state_code,
        reported_numerator,
        reported_denominator,
        reported_value,
        computed_numerator,
        computed_denominator,
        computed_value,
        cast(reported_value - computed_value as decimal(18, 4)) as value_difference,
        case
            when is_unknown then 'unknown_indicator'
            when reported_state_code = 'left_out' and coalesce(computed_denominator, 0) = 0
                then 'nothing_to_compare'
            when reported_state_code = 'left_out' then 'left_out'
            when coalesce(computed_denominator, 0) = 0 and reported_state_code = 'no_cases'
                then 'agrees'
            when coalesce(computed_denominator, 0) = 0 then 'nothing_to_compare'
            when reported_state_code = 'no_cases' then 'cases_found'
            when reported_value is null then 'nothing_to_compare'
            when
                abs(reported_value - computed_value) <= tolerated_difference
                and abs(reported_denominator - computed_denominator)
                <= tolerated_share * computed_denominator
                then 'agrees'
            else 'differs'
        end as comparison_code
    from valued
)

select
    provider_id,
    indicator_id,
    period_start_date,
    period_end_date,
    reported_state_code,
    reported_numerator,
    reported_denominator,
    reported_value,
    computed_numerator,
    computed_denominator,
    computed_value,
    value_difference,
    comparison_code,
    comparison_code in ('unknown_indicator', 'left_out', 'cases_found', 'differs') as is_flagged
from final
