-- grain: One row per quarter, use and municipality.
-- key: [quarter_start_date, use_code, municipality_code]
-- purpose: knowledge management
-- may_be_empty: the sources may not have begun to send
with
band as (
    select
        age_band,
        from_age_years,
        below_age_years
    from rulebook.standard_age_band
    qualify row_number() over (partition by age_band order by valid_from_date desc) = 1
),

use_kind as (
    select distinct
        use_code,
        best_share,
        minimum_share
    from rulebook.savings_use
),

-- Of a whole package the residents' costs are summed already; of a single service they are not.
used_package as (
    select
        kind.use_code,
        resident_cost.cost_month,
        resident_cost.municipality_code,
        resident_cost.age_years,
        resident_cost.sex_code,
        resident_cost.cost_eur
    from core.resident_cost as resident_cost
    inner join rulebook.savings_use as kind
        on
            resident_cost.package_class_code = kind.package_class_code
            and kind.costed_service_code = 'any'
),

used_service as (
    select
        kind.use_code,
        cost.cost_month,
        coalesce(resident.municipality_code, '') as municipality_code,
        age_years(resident.birth_date, cost.cost_month) as age_years,
        resident.sex_code,
        cost.cost_eur
    from core.cost as cost
    inner join rulebook.savings_use as kind
        on cost.costed_service_code = kind.costed_service_code
    -- Who did not live in the area for a day of the month is no resident.
    inner join core.person_month as resident
        on cost.person_id = resident.person_id and cost.cost_month = resident.exposure_month
    where cost.cost_eur is not null
),

used as (
    select * from used_package
    union all
    select * from used_service
),

cost_cell as (
    select
        cast(date_trunc('quarter', used.cost_month) as date) as quarter_start_date,
        used.use_code,
        used.municipality_code,
        band.age_band,
        used.sex_code,
        sum(used.cost_eur) as cost_eur
    from used
    inner join band
        on used.age_years >= band.from_age_years and used.age_years < band.below_age_years
    group by
        cast(date_trunc('quarter', used.cost_month) as date),
        used.use_code,
        used.municipality_code,
        band.age_band,
        used.sex_code
),

lived_cell as (
    select
        cast(date_trunc('quarter', exposure.exposure_month) as date) as quarter_start_date,
        exposure.municipality_code,
        band.age_band,
        exposure.sex_code,
        sum(exposure.person_days) as person_days
    from core.resident_exposure as exposure
    inner join band
        on
            exposure.age_years >= band.from_age_years
            and exposure.age_years < band.below_age_years
    group by
        cast(date_trunc('quarter', exposure.exposure_month) as date),
        exposure.municipality_code,
        band.age_band,
        exposure.sex_code
),

region_days as (
    select
        quarter_start_date,
        age_band,
        sex_code,
        sum(person_days) as region_days
    from lived_cell
    group by quarter_start_date, age_band, sex_code
),

region_cost as (
    select
        quarter_start_date,
        use_code,
        age_band,
        sex_code,
        sum(cost_eur) as region_cost_eur
    from cost_cell
    group by quarter_start_date, use_code, age_band, sex_code
),

-- Expected: what the region's cost per day of the same age and sex would come to.
unit as (
    select
        lived_cell.quarter_start_date,
        region_cost.use_code,
        lived_cell.municipality_code,
        -- Rounded before it is summed: sums of doubles hang on their order.
        cast(
            round(
                sum(
                    cast(
                        round(
                            cast(lived_cell.person_days as double) * region_cost.region_cost_eur
                            / region_days.region_days, 4
                        ) as decimal(18, 4)
                    )
                ), 2
            ) as decimal(18, 2)
        ) as expected_cost_eur
    from lived_cell
    inner join region_days
        on
            lived_cell.quarter_start_date = region_days.quarter_start_date
            and lived_cell.age_band = region_days.age_band
            and lived_cell.sex_code = region_days.sex_code
    inner join region_cost
        on
            lived_cell.quarter_start_date = region_cost.quarter_start_date
            and lived_cell.age_band = region_cost.age_band
            and lived_cell.sex_code = region_cost.sex_code
    group by
        lived_cell.quarter_start_date, region_cost.use_code, lived_cell.municipality_code
),

own_cost as (
    select
        quarter_start_date,
        use_code,
        municipality_code,
        sum(cost_eur) as cost_eur
    from cost_cell
    group by quarter_start_date, use_code, municipality_code
),

own_days as (
    select
        quarter_start_date,
        municipality_code,
        sum(person_days) as person_days,
        sum(sum(person_days)) over (partition by quarter_start_date) as region_days
    from lived_cell
    group by quarter_start_date, municipality_code
),

compared as (
    select
        unit.quarter_start_date,
        unit.use_code,
        unit.municipality_code,
        own_days.person_days,
        coalesce(own_cost.cost_eur, 0) as cost_eur,
        unit.expected_cost_eur,
        use_kind.best_share,
        -- Persons under a protection order live in no municipality that can be compared.
        unit.municipality_code <> ''
        and own_days.person_days >= use_kind.minimum_share * own_days.region_days
        and unit.expected_cost_eur > 0 as is_compared
    from unit
    inner join use_kind on unit.use_code = use_kind.use_code
    inner join own_days
        on
            unit.quarter_start_date = own_days.quarter_start_date
            and unit.municipality_code = own_days.municipality_code
    left join own_cost
        on
            unit.quarter_start_date = own_cost.quarter_start_date
            and unit.use_code = own_cost.use_code
            and unit.municipality_code = own_cost.municipality_code
),

ranked as (
    select
        quarter_start_date,
        use_code,
        cast(round(cast(cost_eur as double) / expected_cost_eur, 8) as decimal(18, 8)) as ratio,
        best_share,
        row_number() over (
            partition by quarter_start_date, use_code
            order by cast(cost_eur as double) / expected_cost_eur, municipality_code
        ) as position,
        count(*) over (partition by quarter_start_date, use_code) as unit_count
    from compared
    where is_compared
),

-- The last unit of the best quarter.
best as (
    select
        quarter_start_date,
        use_code,
        min(ratio) as best_ratio
    from ranked
    where position >= best_share * unit_count
    group by quarter_start_date, use_code
),

final as (
    select
        compared.quarter_start_date,
        compared.use_code,
        compared.municipality_code,
        cast(compared.person_days as bigint) as person_days,
        cast(compared.cost_eur as decimal(18, 2)) as cost_eur,
        compared.expected_cost_eur,
        best.best_ratio,
        compared.is_compared,
        case
            when compared.is_compared
                then
                    greatest(
                        cast(compared.cost_eur as decimal(18, 2))
                        - cast(
                            round(compared.expected_cost_eur * best.best_ratio, 2)
                            as decimal(18, 2)
                        ),
                        cast(0 as decimal(18, 2))
                    )
        end as savings_eur
    from compared
    left join best
        on
            compared.quarter_start_date = best.quarter_start_date
            and compared.use_code = best.use_code
)

select
    quarter_start_date,
    use_code,
    municipality_code,
    person_days,
    cost_eur,
    expected_cost_eur,
    best_ratio,
    is_compared,
    savings_eur
from final
