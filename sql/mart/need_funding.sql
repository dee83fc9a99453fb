-- grain: One row per funding year, county and ground of funding.
-- key: [funding_year, area_name, ground_code]
-- purpose: knowledge management
-- may_be_empty: the published model may not have been delivered
with
funding as (
    select
        year(valid_from_date) as funding_year,
        cast(national_eur as bigint) as national_eur,
        -- Parts in whole euros, half up.
        cast(round(national_eur * need_share, 0) as bigint) as need_eur,
        cast(round(national_eur * resident_share, 0) as bigint) as resident_eur,
        first_model_year,
        last_model_year
    from rulebook.need_funding
),

area as (
    select
        funding.funding_year,
        need_by_county.area_name,
        arg_max(need_by_county.population_count, need_by_county.model_year) as population_count,
        count(*) as model_year_count,
        avg(need_by_county.coefficient_health) as coefficient_health,
        avg(need_by_county.coefficient_social) as coefficient_social,
        avg(need_by_county.coefficient_elderly) as coefficient_elderly
    from mart.need_by_county as need_by_county
    inner join funding
        on
            need_by_county.model_year
            between funding.first_model_year and funding.last_model_year
    where need_by_county.area_name <> 'Koko maa'
    group by funding.funding_year, need_by_county.area_name
),

-- Ten-thousandths of the need part by sector: largest remainders in euros.
sector as (
    select
        year(weight.valid_from_date) as funding_year,
        weight.sector,
        funding.need_eur,
        cast(funding.need_eur as hugeint) * cast(weight.share * 10000 as bigint)
            as eur_parts,
        cast(
            sum(cast(weight.share * 10000 as bigint)) over (partition by weight.valid_from_date)
            as bigint
        ) as all_parts
    from rulebook.need_funding_weight as weight
    inner join funding on year(weight.valid_from_date) = funding.funding_year
),

sector_ranked as (
    select
        *,
        eur_parts // all_parts as whole_eur,
        row_number() over (
            partition by funding_year order by eur_parts % all_parts desc, sector asc
        ) as place,
        need_eur - sum(eur_parts // all_parts) over (partition by funding_year) as left_eur
    from sector
),

pot as (
    select
        funding_year,
        'need_' || sector as ground_code,
        sector,
        cast(whole_eur + case when place <= left_eur then 1 else 0 end as bigint) as pot_eur
    from sector_ranked
    union all
    select
        funding_year,
        'residents' as ground_code,
        'residents' as sector,
        resident_eur as pot_eur
    from funding
),

-- Residents times coefficient, in millionths: whole numbers, so that euros come out exactly.
weighted as (
    select
        area.funding_year,
        area.area_name,
        area.population_count,
        area.model_year_count,
        pot.ground_code,
        pot.pot_eur,
        case pot.sector
            when 'health' then area.coefficient_health
            when 'social' then area.coefficient_social
            when 'elderly' then area.coefficient_elderly
            else 1.0
        end as coefficient
    from area
    inner join pot on area.funding_year = pot.funding_year
),

counted as (
    select
        *,
        cast(
            population_count * cast(round(coefficient * 1000000) as bigint) as hugeint
        ) as area_weight
    from weighted
),

totalled as (
    select
        *,
        sum(area_weight) over (partition by funding_year, ground_code) as all_weight,
        sum(population_count) over (partition by funding_year, ground_code) as all_population
    from counted
),

ranked as (
    select
        *,
        pot_eur * area_weight // all_weight as whole_eur,
        row_number() over (
            partition by funding_year, ground_code
            order by pot_eur * area_weight % all_weight desc, area_name asc
        ) as place,
        pot_eur - sum(pot_eur * area_weight // all_weight) over (
            partition by funding_year, ground_code
        ) as left_eur
    from totalled
),

final as (
    select
        funding_year,
        area_name,
        ground_code,
        population_count,
        model_year_count,
        round(coefficient, 12) as mean_coefficient,
        -- Brought to the mean 1 over residents: the budget is what it was.
        round(
            cast(area_weight as double) * cast(all_population as double)
            / (cast(population_count as double) * cast(all_weight as double)),
            12
        ) as funding_coefficient,
        cast(pot_eur as decimal(18, 2)) as national_eur,
        cast(
            cast(whole_eur as decimal(16, 0)) + case when place <= left_eur then 1 else 0 end
            as decimal(18, 2)
        ) as amount_eur
    from ranked
)

select
    funding_year,
    area_name,
    ground_code,
    population_count,
    model_year_count,
    mean_coefficient,
    funding_coefficient,
    national_eur,
    amount_eur
from final
