-- Scores of periods whose months are all closed and of which nothing more is to come: how far each
-- lies from the neutral score, and what a point of it is worth. Like acts, as known when settled. A
-- score that is no longer final, or for which too little is now measured, stands as it was frozen.
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
),

frozen as (
    select
        provider_id,
        period_start_date,
        period_end_date,
        is_budget_neutral,
        measured_weight,
        weighted_distance,
        score_room,
        score_share
    from ledger.frozen_score
    where
        rulebook_id = $rulebook_id
        and list_month < $list_month
        and capitation_run_id < $capitation_run_id
    qualify
        capitation_run_id
        = max(capitation_run_id) over (partition by provider_id, period_start_date)
),

final as (
    select
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
    union all
    select frozen.*
    from frozen
    left join summed
        on
            frozen.provider_id = summed.provider_id
            and frozen.period_start_date = summed.period_start_date
    where
        summed.provider_id is null
        -- Who is no longer in the scheme in that period keeps nothing of it.
        and exists (
            select 1
            from mart.incentive_contribution as contribution
            where
                contribution.provider_id = frozen.provider_id
                and contribution.period_start_date = frozen.period_start_date
                and contribution.service_code = $service_code
        )
)

select
    $list_month as list_month,
    provider_id,
    period_start_date,
    period_end_date,
    is_budget_neutral,
    measured_weight,
    weighted_distance,
    score_room,
    score_share
from final
