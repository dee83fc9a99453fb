-- grain: One row per year and area of the national need model, the whole country among them.
-- key: [model_year, area_name]
-- purpose: knowledge management
-- may_be_empty: the published model may not have been delivered
with
-- Need in euros per resident: the sum of coefficient times mean (THL).
need as (
    select
        model_year,
        area_name,
        sum(beta_health * variable_mean) as need_health,
        sum(beta_social * variable_mean) as need_social,
        sum(beta_elderly * variable_mean) as need_elderly
    from core.need_variable_mean
    group by model_year, area_name
),

area as (
    select
        need.model_year,
        need.area_name,
        need.need_health,
        need.need_social,
        need.need_elderly,
        need_areas.population_count,
        need_areas.share_65plus,
        need_areas.published_coefficient_health,
        need_areas.published_coefficient_social,
        need_areas.published_coefficient_elderly,
        need_areas.published_coefficient_total
    from need
    inner join effective.need_areas as need_areas
        on need.model_year = need_areas.delivery_sequence and need.area_name = need_areas.area_name
),

-- The coefficient is need against the country; care of the elderly also by the share of over-64s.
coefficient as (
    select
        area.*,
        area.need_health / country.need_health as coefficient_health,
        area.need_social / country.need_social as coefficient_social,
        (area.need_elderly / country.need_elderly)
        * (area.share_65plus / country.share_65plus) as coefficient_elderly
    from area
    inner join area as country
        on area.model_year = country.model_year and country.area_name = 'Koko maa'
),

weight as (
    select
        year(valid_from_date) as model_year,
        max(case when sector = 'health' then share end) as health,
        max(case when sector = 'social' then share end) as social,
        max(case when sector = 'elderly' then share end) as elderly
    from rulebook.need_sector_weight
    group by year(valid_from_date)
),

final as (
    select
        coefficient.model_year,
        coefficient.area_name,
        coefficient.population_count,
        coefficient.share_65plus,
        coefficient.need_health,
        coefficient.need_social,
        coefficient.need_elderly,
        coefficient.coefficient_health,
        coefficient.coefficient_social,
        coefficient.coefficient_elderly,
        cast(weight.health as double) * coefficient.coefficient_health
        + cast(weight.social as double) * coefficient.coefficient_social
        + cast(weight.elderly as double) * coefficient.coefficient_elderly as coefficient_total,
        coefficient.published_coefficient_health,
        coefficient.published_coefficient_social,
        coefficient.published_coefficient_elderly,
        coefficient.published_coefficient_total
    from coefficient
    left join weight on coefficient.model_year = weight.model_year
),

-- The order of a sum of doubles is free, so the last digits are: rounding makes a rerun equal.
rounded as (
    select
        model_year,
        area_name,
        population_count,
        share_65plus,
        round(need_health, 9) as need_health_eur,
        round(need_social, 9) as need_social_eur,
        round(need_elderly, 9) as need_elderly_eur,
        round(coefficient_health, 13) as coefficient_health,
        round(coefficient_social, 13) as coefficient_social,
        round(coefficient_elderly, 13) as coefficient_elderly,
        round(coefficient_total, 13) as coefficient_total,
        published_coefficient_health,
        published_coefficient_social,
        published_coefficient_elderly,
        published_coefficient_total
    from final
)

select
    model_year,
    area_name,
    population_count,
    share_65plus,
    need_health_eur,
    need_social_eur,
    need_elderly_eur,
    coefficient_health,
    coefficient_social,
    coefficient_elderly,
    coefficient_total,
    published_coefficient_health,
    published_coefficient_social,
    published_coefficient_elderly,
    published_coefficient_total
from rounded
