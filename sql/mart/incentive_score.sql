-- grain: One row per provider, scheme and period.
-- key: [provider_id, scheme_id, period_start_date]
-- purpose: knowledge management
-- may_be_empty: deliveries may all be of the time before the first period
with
summed as (
    select
        provider_id,
        scheme_id,
        service_code,
        version_date,
        period_start_date,
        is_early_warning,
        measured_weight,
        score,
        neutral_score,
        bonus_share,
        sanction_share,
        is_budget_neutral,
        count(*) as indicator_count,
        count(effective_weight) as counted_indicator_count,
        count(case when state_code = 'overdue' then 1 end) as overdue_count,
        count(case when state_code = 'too_small' then 1 end) as too_small_count,
        count(case when state_code = 'unreliable' then 1 end) as unreliable_count
    from mart.incentive_contribution
    group by
        provider_id,
        scheme_id,
        service_code,
        version_date,
        period_start_date,
        is_early_warning,
        measured_weight,
        score,
        neutral_score,
        bonus_share,
        sanction_share,
        is_budget_neutral
),

final as (
    select
        *,
        -- Shown; euros are worked out from parts and weights, not from this.
        case
            when score >= neutral_score
                then
                    cast(
                        round(
                            cast((score - neutral_score) * bonus_share as double)
                            / cast(1 - neutral_score as double),
                            8
                        ) as decimal(18, 8)
                    )
            when score < neutral_score
                then
                    cast(
                        round(
                            cast((score - neutral_score) * sanction_share as double)
                            / cast(neutral_score as double),
                            8
                        ) as decimal(18, 8)
                    )
        end as share_of_capitation
    from summed
)

select
    provider_id,
    scheme_id,
    service_code,
    version_date,
    period_start_date,
    is_early_warning,
    measured_weight,
    score,
    share_of_capitation,
    neutral_score,
    bonus_share,
    sanction_share,
    is_budget_neutral,
    indicator_count,
    counted_indicator_count,
    overdue_count,
    too_small_count,
    unreliable_count
from final
