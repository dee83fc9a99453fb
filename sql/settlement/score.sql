-- Scores of periods whose months are all closed and of which nothing more is to come: how far each
-- lies from the neutral score, and what a point of it is worth. Like acts, as known when settled.
with
counted as (
    select
        contribution.provider_id,
        contribution.period_start_date,
        period.period_end_date,
        contribution.is_budget_neutral,
        contribution.neutral_score,
        contribution.bonus_share,
        contribution.sanction_share,
        contribution.weight,
        contribution.weight * (contribution.counted_part - contribution.neutral_score)
            as distance
    from mart.incentive_contribution as contribution
    inner join core.indicator_period as period
        on contribution.period_start_date = period.period_start_date
    where
        contribution.service_code = $service_code
        and contribution.effective_weight is not null
        and not contribution.is_early_warning
        and period.period_end_date < $list_month
),

summed as (
    select
        provider_id,
        period_start_date,
        period_end_date,
        is_budget_neutral,
        neutral_score,
        bonus_share,
        sanction_share,
        cast(sum(weight) as decimal(18, 8)) as measured_weight,
        cast(sum(distance) as decimal(18, 16)) as weighted_distance
    from counted
    group by
        provider_id,
        period_start_date,
        period_end_date,
        is_budget_neutral,
        neutral_score,
        bonus_share,
        sanction_share
)

select
    $list_month as list_month,
    provider_id,
    period_start_date,
    period_end_date,
    is_budget_neutral,
    measured_weight,
    weighted_distance,
    case when weighted_distance >= 0 then 1 - neutral_score else neutral_score end
        as score_room,
    case when weighted_distance >= 0 then bonus_share else sanction_share end as score_share
from summed
