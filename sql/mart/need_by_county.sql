-- grain: One row per year and area of the national need model, the whole country among them.
-- key: [model_year, area_name]
-- purpose: knowledge management
-- may_be_empty: the published model may not have been delivered
with
-- Need in euros per resident: the sum of coefficient times mean (THL).
need as (
    select
        model_year,
        model_release,
        area_name,
        sum(beta_health * variable_mean) as need_health,
        sum(beta_social * variable_mean) as need_social,
        sum(beta_elderly * variable_mean) as need_elderly
    from core.need_variable_mean
    group by model_year, model_release, area_name
),

area as (
    select
        need.model_year,
        need.model_release,
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
        on
            need.model_year * 100 + need.model_release = need_areas.delivery_sequence
            and need.area_name = need_areas.area_name
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
        coefficient.model_release,
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

-- The state funds by the mean of two years, so that one year tosses no county about (HE 38/2025).
averaged as (
    select
        final.model_year,
        final.area_name,
        avg(pair.coefficient_health) as mean_health,
        avg(pair.coefficient_social) as mean_social,
        avg(pair.coefficient_elderly) as mean_elderly,
        count(*) as year_count
    from final
    inner join final as pair
        on
            final.area_name = pair.area_name
            and pair.model_year between final.model_year - 1 and final.model_year
    group by final.model_year, final.area_name
),

-- Weighted by residents the counties' coefficients need not have the mean 1, and money must.
scale as (
    select
        final.model_year,
        cast(sum(final.population_count) as double)
        / sum(final.population_count * averaged.mean_health) as scale_health,
        cast(sum(final.population_count) as double)
        / sum(final.population_count * averaged.mean_social) as scale_social,
        cast(sum(final.population_count) as double)
        / sum(final.population_count * averaged.mean_elderly) as scale_elderly
    from final
    inner join averaged
        on final.model_year = averaged.model_year and final.area_name = averaged.area_name
    where final.area_name <> 'Koko maa'
    group by final.model_year
),

-- The order of a sum of doubles is free, so the last digits are: rounding makes a rerun equal.
rounded as (
    select
        final.model_year,
        final.model_release,
        final.area_name,
        final.population_count,
        final.share_65plus,
        round(final.need_health, 9) as need_health_eur,
        round(final.need_social, 9) as need_social_eur,
        round(final.need_elderly, 9) as need_elderly_eur,
        round(final.coefficient_health, 13) as coefficient_health,
        round(final.coefficient_social, 13) as coefficient_social,
        round(final.coefficient_elderly, 13) as coefficient_elderly,
        round(final.coefficient_total, 13) as coefficient_total,
        final.published_coefficient_health,
        final.published_coefficient_social,
        final.published_coefficient_elderly,
        final.published_coefficient_total,
        averaged.year_count as mean_year_count,
        round(averaged.mean_health, 12) as two_year_coefficient_health,
        round(averaged.mean_social, 12) as two_year_coefficient_social,
        round(averaged.mean_elderly, 12) as two_year_coefficient_elderly,
        round(averaged.mean_health * scale.scale_health, 12) as funding_coefficient_health,
        round(averaged.mean_social * scale.scale_social, 12) as funding_coefficient_social,
        round(averaged.mean_elderly * scale.scale_elderly, 12) as funding_coefficient_elderly
    from final
    inner join averaged
        on final.model_year = averaged.model_year and final.area_name = averaged.area_name
    left join scale on final.model_year = scale.model_year
)

select
    model_year,
    model_release,
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
    published_coefficient_total,
    mean_year_count,
    two_year_coefficient_health,
    two_year_coefficient_social,
    two_year_coefficient_elderly,
    funding_coefficient_health,
    funding_coefficient_social,
    funding_coefficient_elderly
from rounded
