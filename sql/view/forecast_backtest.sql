-- grain: One row per municipality and service package, or all of them, of the time held out.
-- The interval is told as the error is, over what happened.
select
    municipality_code,
    package_class_code,
    target_from_month,
    base_months,
    held_cost_eur,
    forecast_cost_eur,
    error_pct,
    cast(
        100 * (cast(forecast_low_cost_eur as double) / nullif(held_cost_eur, 0) - 1)
        as decimal(18, 2)
    ) as error_low_pct,
    cast(
        100 * (cast(forecast_high_cost_eur as double) / nullif(held_cost_eur, 0) - 1)
        as decimal(18, 2)
    ) as error_high_pct,
    unchanged_error_pct,
    is_within_interval,
    forecast_state_code as error_state_code
from shelf.service_forecast_backtest
where municipality_code <> ''
order by municipality_code, package_class_code
