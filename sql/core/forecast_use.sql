-- grain: One row per forecast's base or held-out time, municipality and service package, or all.
-- key: [window_code, horizon_months, municipality_code, package_class_code]
-- may_be_empty: the sources may not have begun to send, or nothing may have a price
with
span as (
    select
        window_code,
        horizon_months,
        base_from_month,
        cast(base_from_month + to_months(base_months) as date) as base_end_month,
        target_from_month,
        cast(target_from_month + to_months(target_months) as date) as target_end_month
    from core.forecast_window
),

-- Each row counts for itself, for its municipality, for its package and for the whole.
part (is_all_area, is_all_class) as (
    values (false, false), (false, true), (true, false), (true, true)
),

spent as (
    select
        cost_month,
        municipality_code,
        package_class_code,
        sum(cost_eur) as cost_eur,
        sum(event_count) as event_count
    from core.resident_cost
    group by cost_month, municipality_code, package_class_code
),

used as (
    select
        span.window_code,
        span.horizon_months,
        case when part.is_all_area then 'all' else spent.municipality_code end
            as municipality_code,
        case when part.is_all_class then 'all' else spent.package_class_code end
            as package_class_code,
        spent.cost_month >= span.target_from_month as is_held_out,
        spent.cost_eur,
        spent.event_count
    from spent
    inner join span
        on
            (spent.cost_month >= span.base_from_month and spent.cost_month < span.base_end_month)
            or (
                spent.cost_month >= span.target_from_month
                and spent.cost_month < span.target_end_month
            )
    cross join part
),

summed as (
    select
        window_code,
        horizon_months,
        municipality_code,
        package_class_code,
        cast(sum(case when not is_held_out then cost_eur else 0 end) as decimal(18, 2))
            as base_cost_eur,
        cast(sum(case when not is_held_out then event_count else 0 end) as bigint)
            as base_event_count,
        cast(sum(case when is_held_out then cost_eur end) as decimal(18, 2)) as held_cost_eur,
        cast(sum(case when is_held_out then event_count end) as bigint) as held_event_count
    from used
    group by window_code, horizon_months, municipality_code, package_class_code
),

base as (
    select distinct
        window_code,
        base_from_month,
        base_end_month
    from span
),

person_cost as (
    select
        base.window_code,
        cost.person_id,
        cost.package_class_code,
        sum(cost.cost_eur) as cost_eur
    from core.cost as cost
    inner join base
        on cost.cost_month >= base.base_from_month and cost.cost_month < base.base_end_month
    where cost.cost_eur is not null and cost.package_class_code is not null
    group by base.window_code, cost.person_id, cost.package_class_code
),

-- Where they lived at the end of the time; who did not live in the area then pays elsewhere.
person_home as (
    select
        base.window_code,
        resident.person_id,
        coalesce(
            arg_max_null(resident.municipality_code, resident.exposure_month), ''
        ) as municipality_code
    from core.person_month as resident
    inner join base
        on
            resident.exposure_month >= base.base_from_month
            and resident.exposure_month < base.base_end_month
    group by base.window_code, resident.person_id
),

person_sum as (
    select
        person_home.window_code,
        person_home.person_id,
        person_home.municipality_code,
        person_cost.package_class_code,
        cast(person_cost.cost_eur as decimal(38, 2)) as cost_eur
    from person_home
    inner join person_cost
        on
            person_home.window_code = person_cost.window_code
            and person_home.person_id = person_cost.person_id
),

person_total as (
    select
        window_code,
        municipality_code,
        'all' as package_class_code,
        cast(sum(cost_eur) as decimal(38, 2)) as cost_eur
    from person_sum
    group by window_code, person_id, municipality_code
),

squared as (
    select
        window_code,
        municipality_code,
        package_class_code,
        count(*) as client_count,
        sum(cost_eur) as cost_eur,
        sum(cost_eur * cost_eur) as squares
    from person_sum
    group by window_code, municipality_code, package_class_code
    union all
    select
        window_code,
        municipality_code,
        package_class_code,
        count(*) as client_count,
        sum(cost_eur) as cost_eur,
        sum(cost_eur * cost_eur) as squares
    from person_total
    group by window_code, municipality_code, package_class_code
),

-- Were each person's cost to come or not by chance, the sum would stray by the root of its squares.
chance as (
    select
        squared.window_code,
        case when part.is_all_area then 'all' else squared.municipality_code end
            as municipality_code,
        squared.package_class_code,
        cast(sum(squared.client_count) as bigint) as client_count,
        cast(
            round(
                sqrt(cast(sum(squared.squares) as double))
                / nullif(cast(sum(squared.cost_eur) as double), 0), 8
            ) as decimal(18, 8)
        ) as chance_error
    from squared
    cross join part
    where not part.is_all_class
    group by
        squared.window_code,
        case when part.is_all_area then 'all' else squared.municipality_code end,
        squared.package_class_code
),

final as (
    select
        summed.window_code,
        summed.horizon_months,
        summed.municipality_code,
        summed.package_class_code,
        summed.base_cost_eur,
        summed.base_event_count,
        coalesce(chance.client_count, 0) as client_count,
        chance.chance_error,
        case summed.window_code when 'backtest' then coalesce(summed.held_cost_eur, 0) end
            as held_cost_eur,
        case summed.window_code when 'backtest' then coalesce(summed.held_event_count, 0) end
            as held_event_count
    from summed
    left join chance
        on
            summed.window_code = chance.window_code
            and summed.municipality_code = chance.municipality_code
            and summed.package_class_code = chance.package_class_code
)

select
    window_code,
    horizon_months,
    municipality_code,
    package_class_code,
    base_cost_eur,
    base_event_count,
    client_count,
    chance_error,
    held_cost_eur,
    held_event_count
from final
