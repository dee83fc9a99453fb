-- grain: One row per forecast, municipality and service package whose use is foreseen to grow.
-- key: [window_code, horizon_months, municipality_code, package_class_code]
-- may_be_empty: no projection may have been delivered, or nothing may have a price
with
terms as (
    select
        band_years,
        open_age_years
    from rulebook.forecast_terms
    where
        valid_from_date
        = (select max(newest.valid_from_date) from rulebook.forecast_terms as newest)
),

base as (
    select distinct
        window_code,
        base_from_month,
        cast(base_from_month + to_months(base_months) as date) as base_end_month
    from core.forecast_window
),

lived as (
    select
        base.window_code,
        least(exposure.age_years, terms.open_age_years)
        - least(exposure.age_years, terms.open_age_years) % terms.band_years as from_age_years,
        exposure.sex_code,
        sum(exposure.person_days) as person_days
    from core.resident_exposure as exposure
    inner join base
        on
            exposure.exposure_month >= base.base_from_month
            and exposure.exposure_month < base.base_end_month
    cross join terms
    group by
        base.window_code,
        least(exposure.age_years, terms.open_age_years)
        - least(exposure.age_years, terms.open_age_years) % terms.band_years,
        exposure.sex_code
),

spent as (
    select
        base.window_code,
        least(cost.age_years, terms.open_age_years)
        - least(cost.age_years, terms.open_age_years) % terms.band_years as from_age_years,
        cost.sex_code,
        cost.package_class_code,
        sum(cost.cost_eur) as cost_eur,
        sum(cost.event_count) as event_count
    from core.resident_cost as cost
    inner join base
        on cost.cost_month >= base.base_from_month and cost.cost_month < base.base_end_month
    cross join terms
    group by
        base.window_code,
        least(cost.age_years, terms.open_age_years)
        - least(cost.age_years, terms.open_age_years) % terms.band_years,
        cost.sex_code,
        cost.package_class_code
),

-- Of the whole area, since in one municipality an age and a sex are few: per thousand days.
rate as (
    select
        spent.window_code,
        spent.from_age_years,
        spent.sex_code,
        spent.package_class_code,
        cast(
            round(1000 * cast(spent.cost_eur as double) / nullif(lived.person_days, 0), 8)
            as decimal(38, 8)
        ) as cost_rate,
        cast(
            round(1000 * cast(spent.event_count as double) / nullif(lived.person_days, 0), 8)
            as decimal(38, 8)
        ) as event_rate
    from spent
    -- Who used something in a month lived in the area in it: no cell of use is lost.
    inner join lived
        on
            spent.window_code = lived.window_code
            and spent.from_age_years = lived.from_age_years
            and spent.sex_code = lived.sex_code
),

-- Between two ends of years people are as near as the middle of the time is to either.
projected_place as (
    select
        span.window_code,
        span.horizon_months,
        projection.municipality_code,
        least(projection.age_years, terms.open_age_years)
        - least(projection.age_years, terms.open_age_years) % terms.band_years as from_age_years,
        projection.sex_code,
        projection.projected_count
        * greatest(24 - abs(24 * projection.projected_year - span.base_middle), 0) as base_parts,
        projection.projected_count
        * greatest(24 - abs(24 * projection.projected_year - span.target_middle), 0)
            as target_parts
    from core.forecast_window as span
    inner join core.population_projection as projection
        on span.edition_date = projection.edition_date
    cross join terms
    where span.forecast_state_code = 'forecast'
),

-- Those of whom only the area is known grow older as the area does.
projected as (
    select
        window_code,
        horizon_months,
        municipality_code,
        from_age_years,
        sex_code,
        cast(sum(base_parts) as bigint) as base_parts,
        cast(sum(target_parts) as bigint) as target_parts
    from projected_place
    group by window_code, horizon_months, municipality_code, from_age_years, sex_code
    union all
    select
        window_code,
        horizon_months,
        '' as municipality_code,
        from_age_years,
        sex_code,
        cast(sum(base_parts) as bigint) as base_parts,
        cast(sum(target_parts) as bigint) as target_parts
    from projected_place
    group by window_code, horizon_months, from_age_years, sex_code
),

-- What the area's use at each age and sex comes to, then over now.
final as (
    select
        projected.window_code,
        projected.horizon_months,
        projected.municipality_code,
        rate.package_class_code,
        cast(
            round(
                cast(sum(rate.cost_rate * projected.target_parts) as double)
                / nullif(cast(sum(rate.cost_rate * projected.base_parts) as double), 0), 8
            ) as decimal(18, 8)
        ) as cost_growth,
        cast(
            round(
                cast(sum(rate.event_rate * projected.target_parts) as double)
                / nullif(cast(sum(rate.event_rate * projected.base_parts) as double), 0), 8
            ) as decimal(18, 8)
        ) as event_growth
    from projected
    inner join rate
        on
            projected.window_code = rate.window_code
            and projected.from_age_years = rate.from_age_years
            and projected.sex_code = rate.sex_code
    group by
        projected.window_code,
        projected.horizon_months,
        projected.municipality_code,
        rate.package_class_code
)

select
    window_code,
    horizon_months,
    municipality_code,
    package_class_code,
    cost_growth,
    event_growth
from final
