-- grain: One row per forecast, scenario, municipality and service package, or all of them.
-- key: [window_code, horizon_months, scenario_code, municipality_code, package_class_code]
-- may_be_empty: the sources may not have begun to send, or nothing may have a price
with
-- Each row counts for itself, for its municipality, for its package and for the whole.
part (is_all_area, is_all_class) as (
    values (false, false), (false, true), (true, false), (true, true)
),

scenario as (
    select *
    from rulebook.forecast_scenario
    where
        valid_from_date
        = (select max(newest.valid_from_date) from rulebook.forecast_scenario as newest)
),

area_growth as (
    select
        window_code,
        horizon_months,
        package_class_code,
        cost_growth,
        event_growth
    from core.forecast_growth
    where municipality_code = ''
),

-- Use of a package that nobody's age explains grows as the area's does, or else stays.
grown as (
    select
        used.window_code,
        used.horizon_months,
        used.municipality_code,
        used.package_class_code,
        used.base_cost_eur,
        used.base_event_count,
        span.base_months,
        span.target_months,
        case
            when span.forecast_state_code = 'forecast'
                then coalesce(own.cost_growth, area.cost_growth, 1)
        end as cost_growth,
        case
            when span.forecast_state_code = 'forecast'
                then coalesce(own.event_growth, area.event_growth, 1)
        end as event_growth
    from core.forecast_use as used
    inner join core.forecast_window as span
        on used.window_code = span.window_code and used.horizon_months = span.horizon_months
    left join core.forecast_growth as own
        on
            used.window_code = own.window_code
            and used.horizon_months = own.horizon_months
            and used.municipality_code = own.municipality_code
            and used.package_class_code = own.package_class_code
    left join area_growth as area
        on
            used.window_code = area.window_code
            and used.horizon_months = area.horizon_months
            and used.package_class_code = area.package_class_code
    where used.municipality_code <> 'all' and used.package_class_code <> 'all'
),

-- What a scenario leaves of each package, and what moves; a backtest supposes nothing.
supposed as (
    select
        grown.*,
        scenario.scenario_code,
        scenario.moved_to_class_code,
        scenario.moved_cost_ratio,
        scenario.moved_event_ratio,
        power(1 + cast(scenario.yearly_change as double), grown.horizon_months / 12.0)
            as use_factor,
        power(1 - cast(scenario.yearly_moved_share as double), grown.horizon_months / 12.0)
            as kept_share
    from grown
    inner join scenario
        on scenario.package_class_code in (grown.package_class_code, 'any')
    where grown.window_code = 'forecast' or scenario.scenario_code = 'ageing_as_is'
    -- The row that names the package counts before the one for any.
    qualify row_number() over (
        partition by
            grown.window_code,
            grown.horizon_months,
            grown.municipality_code,
            grown.package_class_code,
            scenario.scenario_code
        order by case scenario.package_class_code when 'any' then 1 else 0 end
    ) = 1
),

flow as (
    select
        window_code,
        horizon_months,
        scenario_code,
        municipality_code,
        package_class_code,
        base_cost_eur,
        base_event_count,
        cast(
            round(cost_growth * use_factor * kept_share * target_months / base_months, 8)
            as decimal(38, 8)
        ) as cost_factor,
        cast(
            round(event_growth * use_factor * kept_share * target_months / base_months, 8)
            as decimal(38, 8)
        ) as event_factor
    from supposed
    union all
    select
        window_code,
        horizon_months,
        scenario_code,
        municipality_code,
        moved_to_class_code as package_class_code,
        base_cost_eur,
        base_event_count,
        cast(
            round(
                cost_growth * use_factor * (1 - kept_share) * moved_cost_ratio
                * target_months / base_months, 8
            ) as decimal(38, 8)
        ) as cost_factor,
        cast(
            round(
                event_growth * use_factor * (1 - kept_share) * moved_event_ratio
                * target_months / base_months, 8
            ) as decimal(38, 8)
        ) as event_factor
    from supposed
    where moved_to_class_code <> 'any'
),

-- The one step at which what is foreseen is rounded.
foreseen as (
    select
        window_code,
        horizon_months,
        scenario_code,
        municipality_code,
        package_class_code,
        cast(round(base_cost_eur * cost_factor, 2) as decimal(18, 2)) as cost_eur,
        cast(round(base_event_count * event_factor, 2) as decimal(18, 2)) as event_count
    from flow
),

summed as (
    select
        foreseen.window_code,
        foreseen.horizon_months,
        foreseen.scenario_code,
        case when part.is_all_area then 'all' else foreseen.municipality_code end
            as municipality_code,
        case when part.is_all_class then 'all' else foreseen.package_class_code end
            as package_class_code,
        cast(sum(foreseen.cost_eur) as decimal(18, 2)) as forecast_cost_eur,
        cast(sum(foreseen.event_count) as decimal(18, 2)) as forecast_event_count
    from foreseen
    cross join part
    group by
        foreseen.window_code,
        foreseen.horizon_months,
        foreseen.scenario_code,
        case when part.is_all_area then 'all' else foreseen.municipality_code end,
        case when part.is_all_class then 'all' else foreseen.package_class_code end
),

-- Relative: chance among persons, in the base and again in what is foreseen, and the errors of the
-- projection and of use at a given age, each free of the others.
spread as (
    select
        summed.*,
        span.forecast_state_code as window_state_code,
        coalesce(used.base_cost_eur, 0) as base_cost_eur,
        coalesce(used.base_event_count, 0) as base_event_count,
        coalesce(used.client_count, 0) as client_count,
        sqrt(
            2 * power(cast(used.chance_error as double), 2)
            + power(cast(span.use_error as double), 2)
            + power(
                cast(
                    case summed.municipality_code
                        when 'all' then span.region_error
                        else span.municipality_error
                    end as double
                ), 2
            )
        ) as relative_error
    from summed
    inner join core.forecast_window as span
        on
            summed.window_code = span.window_code
            and summed.horizon_months = span.horizon_months
    left join core.forecast_use as used
        on
            summed.window_code = used.window_code
            and summed.horizon_months = used.horizon_months
            and summed.municipality_code = used.municipality_code
            and summed.package_class_code = used.package_class_code
),

final as (
    select
        window_code,
        horizon_months,
        scenario_code,
        municipality_code,
        package_class_code,
        client_count,
        base_event_count,
        cast(base_cost_eur as decimal(18, 2)) as base_cost_eur,
        forecast_event_count,
        forecast_cost_eur,
        -- To either side by as many times: what is foreseen is never below nought.
        cast(
            round(cast(forecast_cost_eur as double) * exp(-1.96 * relative_error), 2)
            as decimal(18, 2)
        ) as forecast_low_cost_eur,
        cast(
            round(cast(forecast_cost_eur as double) * exp(1.96 * relative_error), 2)
            as decimal(18, 2)
        ) as forecast_high_cost_eur,
        case
            when window_state_code <> 'forecast' then window_state_code
            when forecast_cost_eur = 0 then 'none_observed'
            else 'forecast'
        end as forecast_state_code
    from spread
)

select
    window_code,
    horizon_months,
    scenario_code,
    municipality_code,
    package_class_code,
    client_count,
    base_event_count,
    base_cost_eur,
    forecast_event_count,
    forecast_cost_eur,
    forecast_low_cost_eur,
    forecast_high_cost_eur,
    forecast_state_code
from final
