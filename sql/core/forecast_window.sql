-- grain: One row per forecast of service need, by how far ahead it looks; the backtest is one too.
-- key: [window_code, horizon_months]
-- may_be_empty: the register may not have been delivered
with
terms as (
    select base_months
    from rulebook.forecast_terms
    where
        valid_from_date
        = (select max(newest.valid_from_date) from rulebook.forecast_terms as newest)
),

horizon as (
    select
        horizon_years,
        municipality_error,
        region_error,
        use_error
    from rulebook.forecast_horizon
    where
        valid_from_date
        = (select max(newest.valid_from_date) from rulebook.forecast_horizon as newest)
),

nearest as (
    select min(horizon_years) as horizon_years
    from horizon
),

covered as (
    select
        cast(max(register_month.exposure_month) + interval 1 month as date) as end_month,
        cast(least(max(terms.base_months), count(*)) as integer) as base_months,
        -- What is held out is a year too, or half of the months where they are under two years.
        cast(least(max(terms.base_months), floor(count(*) / 2)) as integer) as held_months
    from core.register_month
    cross join terms
),

span as (
    select
        'forecast' as window_code,
        horizon.horizon_years,
        cast(12 * horizon.horizon_years as integer) as horizon_months,
        cast(covered.end_month - to_months(covered.base_months) as date) as base_from_month,
        covered.base_months,
        cast(covered.end_month + to_months(12 * (horizon.horizon_years - 1)) as date)
            as target_from_month,
        cast(12 as integer) as target_months
    from covered
    cross join horizon
    where covered.end_month is not null
    union all
    select
        'backtest' as window_code,
        nearest.horizon_years,
        covered.held_months as horizon_months,
        cast(covered.end_month - to_months(2 * covered.held_months) as date) as base_from_month,
        covered.held_months as base_months,
        cast(covered.end_month - to_months(covered.held_months) as date) as target_from_month,
        covered.held_months as target_months
    from covered
    cross join nearest
    where covered.held_months > 0
),

-- A forecast goes by the newest edition; one made at the end of the base could not know later ones.
known as (
    select
        span.window_code,
        span.horizon_months,
        max(projection.edition_date) as edition_date
    from span
    inner join core.population_projection as projection
        on
            span.window_code = 'forecast'
            or projection.edition_date < span.base_from_month + to_months(span.base_months)
    group by span.window_code, span.horizon_months
),

edition as (
    select
        edition_date,
        min(projected_year) as first_year,
        max(projected_year) as last_year
    from core.population_projection
    group by edition_date
),

-- Twenty-fourths of a year from the end of the year nought to the middle of each span.
placed as (
    select
        span.*,
        edition.edition_date,
        edition.first_year,
        edition.last_year,
        24 * (year(span.base_from_month) - 1)
        + 2 * (month(span.base_from_month) - 1) + span.base_months as base_middle,
        24 * (year(span.target_from_month) - 1)
        + 2 * (month(span.target_from_month) - 1) + span.target_months as target_middle
    from span
    left join known
        on span.window_code = known.window_code and span.horizon_months = known.horizon_months
    left join edition on known.edition_date = edition.edition_date
),

-- Before the end of the edition's first year the population stands at that.
final as (
    select
        placed.window_code,
        placed.horizon_months,
        placed.base_from_month,
        placed.base_months,
        placed.target_from_month,
        placed.target_months,
        placed.edition_date,
        cast(greatest(placed.base_middle, 24 * placed.first_year) as integer) as base_middle,
        cast(greatest(placed.target_middle, 24 * placed.first_year) as integer) as target_middle,
        case
            when placed.edition_date is null then 'no_projection'
            when placed.target_middle > 24 * placed.last_year then 'beyond_projection'
            else 'forecast'
        end as forecast_state_code,
        horizon.municipality_error,
        horizon.region_error,
        horizon.use_error
    from placed
    inner join horizon on placed.horizon_years = horizon.horizon_years
)

select
    window_code,
    horizon_months,
    base_from_month,
    base_months,
    target_from_month,
    target_months,
    edition_date,
    base_middle,
    target_middle,
    forecast_state_code,
    municipality_error,
    region_error,
    use_error
from final
