-- grain: One row per scenario, year ahead, municipality and service package, or all of them.
-- key: [scenario_code, horizon_years, municipality_code, package_class_code]
-- purpose: knowledge management
-- may_be_empty: the sources may not have begun to send, or nothing may have a price
with
final as (
    select
        forecast.scenario_code,
        cast(forecast.horizon_months / 12 as integer) as horizon_years,
        forecast.municipality_code,
        forecast.package_class_code,
        span.target_from_month,
        span.base_from_month,
        span.base_months,
        span.edition_date,
        forecast.client_count,
        forecast.base_event_count,
        forecast.base_cost_eur,
        forecast.forecast_event_count,
        forecast.forecast_cost_eur,
        forecast.forecast_low_cost_eur,
        forecast.forecast_high_cost_eur,
        forecast.forecast_state_code
    from core.service_forecast as forecast
    inner join core.forecast_window as span
        on
            forecast.window_code = span.window_code
            and forecast.horizon_months = span.horizon_months
    where forecast.window_code = 'forecast'
)

select
    scenario_code,
    horizon_years,
    municipality_code,
    package_class_code,
    target_from_month,
    base_from_month,
    base_months,
    edition_date,
    client_count,
    base_event_count,
    base_cost_eur,
    forecast_event_count,
    forecast_cost_eur,
    forecast_low_cost_eur,
    forecast_high_cost_eur,
    forecast_state_code
from final
