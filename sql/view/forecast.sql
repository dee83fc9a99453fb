-- grain: One row per scenario, year foreseen, municipality and service package, or all of them.
-- Beside what is foreseen stands a year at present: the base, made as long as a year.
with
present as (
    select
        *,
        year(target_from_month) as forecast_year,
        cast(round(base_cost_eur * 12 / base_months, 2) as decimal(18, 2)) as present_cost_eur,
        cast(round(base_event_count * 12.0 / base_months, 2) as decimal(18, 2))
            as present_event_count
    from shelf.service_forecast
    -- Of persons under a protection order only the whole is shown.
    where municipality_code <> ''
)

select
    scenario_code,
    forecast_year,
    municipality_code,
    package_class_code,
    present_cost_eur,
    forecast_cost_eur,
    forecast_low_cost_eur,
    forecast_high_cost_eur,
    cast(
        100 * (cast(forecast_cost_eur as double) / nullif(present_cost_eur, 0) - 1)
        as decimal(18, 2)
    ) as change_pct,
    present_event_count,
    forecast_event_count,
    forecast_state_code
from present
order by scenario_code, forecast_year, municipality_code, package_class_code
