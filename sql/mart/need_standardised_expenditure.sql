-- grain: One row per calendar year, county of today and sector.
-- key: [calendar_year, area_name, sector]
-- purpose: knowledge management
-- may_be_empty: the sources may not have begun to send
with
-- The trial's municipalities lie in three of today's counties.
place as (
    select
        municipality_code,
        county_name
    from core.municipality
    where is_trial_area and county_name is not null
),

resident as (
    select
        year(exposure.exposure_month) as calendar_year,
        place.county_name as area_name,
        cast(sum(exposure.person_days) as bigint) as person_days,
        count(distinct exposure.exposure_month) as month_count
    from core.resident_exposure as exposure
    inner join place on exposure.municipality_code = place.municipality_code
    group by year(exposure.exposure_month), place.county_name
),

class as (
    select
        package_class_code,
        sector
    from rulebook.sector_class
    qualify row_number() over (
        partition by package_class_code order by valid_from_date desc
    ) = 1
),

-- What is known by person, and so by where they live.
costed as (
    select
        year(cost.cost_month) as calendar_year,
        place.county_name as area_name,
        cost.package_class_code,
        cast(sum(cost.cost_eur) as decimal(18, 2)) as cost_eur
    from core.resident_cost as cost
    inner join place on cost.municipality_code = place.municipality_code
    group by year(cost.cost_month), place.county_name, cost.package_class_code
),

-- What was spent. A year without a ledger has the cost of its events alone.
ledger as (
    select
        year(ledger_month) as calendar_year,
        service_class_code as package_class_code,
        cast(sum(amount_eur) as decimal(18, 2)) as spent_eur
    from core.ledger_allocation
    where classification_code = 'package'
    group by year(ledger_month), service_class_code
),

ledger_year as (
    select distinct calendar_year
    from ledger
),

whole as (
    select
        calendar_year,
        package_class_code,
        cast(sum(cost_eur) as decimal(18, 2)) as cost_eur
    from costed
    group by calendar_year, package_class_code
),

all_days as (
    select
        calendar_year,
        cast(sum(person_days) as bigint) as person_days
    from resident
    group by calendar_year
),

-- The ledger knows no places: a class goes to the counties by the cost of its events, and one
-- without events (child protection, wards) by residents.
placed as (
    select
        resident.calendar_year,
        resident.area_name,
        ledger.package_class_code,
        cast(
            round(
                cast(ledger.spent_eur as double)
                * case
                    when whole.cost_eur > 0
                        then
                            cast(coalesce(costed.cost_eur, 0) as double)
                            / cast(whole.cost_eur as double)
                    else
                        cast(resident.person_days as double)
                        / cast(all_days.person_days as double)
                end,
                2
            ) as decimal(18, 2)
        ) as cost_eur
    from resident
    inner join all_days on resident.calendar_year = all_days.calendar_year
    inner join ledger on resident.calendar_year = ledger.calendar_year
    left join whole
        on
            ledger.calendar_year = whole.calendar_year
            and ledger.package_class_code = whole.package_class_code
    left join costed
        on
            ledger.calendar_year = costed.calendar_year
            and ledger.package_class_code = costed.package_class_code
            and resident.area_name = costed.area_name
    union all
    select
        costed.calendar_year,
        costed.area_name,
        costed.package_class_code,
        costed.cost_eur
    from costed
    left join ledger_year on costed.calendar_year = ledger_year.calendar_year
    where ledger_year.calendar_year is null
),

spent as (
    select
        placed.calendar_year,
        placed.area_name,
        class.sector,
        cast(sum(placed.cost_eur) as decimal(18, 2)) as cost_eur
    from placed
    inner join class on placed.package_class_code = class.package_class_code
    group by placed.calendar_year, placed.area_name, class.sector
),

national as (
    select
        sector,
        year(valid_from_date) as national_year,
        eur_per_resident
    from rulebook.national_expenditure
),

calendar_year as (
    select distinct calendar_year
    from resident
),

-- Of each year the country's newest figure before its end; of years before the first, the first.
country as (
    select
        calendar_year.calendar_year,
        national.sector,
        coalesce(
            arg_max(national.eur_per_resident, national.national_year) filter (
                where national.national_year <= calendar_year.calendar_year
            ),
            arg_min(national.eur_per_resident, national.national_year)
        ) as national_eur
    from calendar_year
    cross join national
    group by calendar_year.calendar_year, national.sector
),

coefficient as (
    select
        model_year,
        area_name,
        'health' as sector,
        coefficient_health as need_coefficient
    from mart.need_by_county
    union all
    select
        model_year,
        area_name,
        'social' as sector,
        coefficient_social as need_coefficient
    from mart.need_by_county
    union all
    select
        model_year,
        area_name,
        'elderly' as sector,
        coefficient_elderly as need_coefficient
    from mart.need_by_county
),

-- Likewise the model: need is published from 2020 on, and changes slowly.
need as (
    select
        resident.calendar_year,
        coefficient.area_name,
        coefficient.sector,
        coalesce(
            max(coefficient.model_year) filter (
                where coefficient.model_year <= resident.calendar_year
            ),
            min(coefficient.model_year)
        ) as need_model_year
    from resident
    inner join coefficient on resident.area_name = coefficient.area_name
    group by resident.calendar_year, coefficient.area_name, coefficient.sector
),

joined as (
    select
        resident.calendar_year,
        resident.area_name,
        country.sector,
        resident.month_count,
        ledger_year.calendar_year is not null as is_by_ledger,
        -- Of months that the year has no register for there is no exposure either.
        round(
            cast(resident.person_days as double)
            / dayofyear(make_date(resident.calendar_year, 12, 31)),
            6
        ) as person_years,
        coalesce(spent.cost_eur, cast(0 as decimal(18, 2))) as cost_eur,
        country.national_eur,
        need.need_model_year,
        coefficient.need_coefficient
    from resident
    inner join country on resident.calendar_year = country.calendar_year
    left join ledger_year on resident.calendar_year = ledger_year.calendar_year
    left join spent
        on
            resident.calendar_year = spent.calendar_year
            and resident.area_name = spent.area_name
            and country.sector = spent.sector
    left join need
        on
            resident.calendar_year = need.calendar_year
            and resident.area_name = need.area_name
            and country.sector = need.sector
    left join coefficient
        on
            need.need_model_year = coefficient.model_year
            and need.area_name = coefficient.area_name
            and need.sector = coefficient.sector
),

final as (
    select
        calendar_year,
        area_name,
        sector,
        month_count,
        is_by_ledger,
        cast(person_years as decimal(18, 6)) as person_years,
        cost_eur,
        cast(round(cast(cost_eur as double) / nullif(person_years, 0), 2) as decimal(18, 2))
            as cost_per_resident_eur,
        need_model_year,
        need_coefficient,
        cast(
            round(
                cast(cost_eur as double)
                / nullif(person_years, 0)
                / nullif(need_coefficient, 0),
                2
            ) as decimal(18, 2)
        ) as standardised_eur,
        national_eur as national_per_resident_eur,
        cast(
            round(
                cast(cost_eur as double)
                / nullif(person_years, 0)
                / nullif(need_coefficient, 0)
                / nullif(cast(national_eur as double), 0),
                8
            ) as decimal(18, 8)
        ) as ratio_to_country
    from joined
)

select
    calendar_year,
    area_name,
    sector,
    month_count,
    is_by_ledger,
    person_years,
    cost_eur,
    cost_per_resident_eur,
    need_model_year,
    need_coefficient,
    standardised_eur,
    national_per_resident_eur,
    ratio_to_country
from final
