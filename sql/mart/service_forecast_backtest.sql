-- grain: One row per municipality and service package, or all, of the time that is held out.
-- key: [municipality_code, package_class_code]
-- purpose: knowledge management
-- may_be_empty: deliveries may cover no second month, or nothing may have a price
with
held as (
    select
        forecast.municipality_code,
        forecast.package_class_code,
        span.target_from_month,
        span.base_from_month,
        span.base_months,
        span.edition_date,
        forecast.base_cost_eur,
        forecast.forecast_event_count,
        forecast.forecast_cost_eur,
        forecast.forecast_low_cost_eur,
        forecast.forecast_high_cost_eur,
        used.held_event_count,
        used.held_cost_eur,
        forecast.forecast_state_code
    from core.service_forecast as forecast
    inner join core.forecast_window as span
        on
            forecast.window_code = span.window_code
            and forecast.horizon_months = span.horizon_months
    -- A backtest moves no use to where there was none: each of its rows has one of use.
    inner join core.forecast_use as used
        on
            forecast.window_code = used.window_code
            and forecast.horizon_months = used.horizon_months
            and forecast.municipality_code = used.municipality_code
            and forecast.package_class_code = used.package_class_code
    where forecast.window_code = 'backtest'
),

-- Over what happened: of what was foreseen, and of a forecast that all stays as it was.
final as (
    select
        held.*,
        cast(
            round(
                100 * cast(held.forecast_cost_eur - held.held_cost_eur as double)
                / nullif(held.held_cost_eur, 0), 2
            ) as decimal(18, 2)
        ) as error_pct,
        cast(
            round(
                100 * cast(held.base_cost_eur - held.held_cost_eur as double)
                / nullif(held.held_cost_eur, 0), 2
            ) as decimal(18, 2)
        ) as unchanged_error_pct,
        held.held_cost_eur >= held.forecast_low_cost_eur
        and held.held_cost_eur <= held.forecast_high_cost_eur as is_within_interval
    from held
)

select
    municipality_code,
    package_class_code,
    target_from_month,
    base_from_month,
    base_months,
    edition_date,
    base_cost_eur,
    forecast_event_count,
    forecast_cost_eur,
    forecast_low_cost_eur,
    forecast_high_cost_eur,
    held_event_count,
    held_cost_eur,
    error_pct,
    unchanged_error_pct,
    is_within_interval,
    forecast_state_code
from final
