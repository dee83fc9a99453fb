-- Bonuses and sanctions of closed periods: what their scores are worth of all that is paid for the
-- list by now, less what was posted of it before. The first time a period is posted, and again
-- whenever its scores or its months were corrected.
with
entry as (
    select
        list_month as paid_for_month,
        line_kind_code,
        provider_id,
        is_shadow,
        amount_eur
    from settle.settled_sum
    union all
    select
        corrected_month as paid_for_month,
        line_kind_code,
        provider_id,
        is_shadow,
        amount_eur
    from settle.adjustment
),

-- Fees of acts and what is paid beside them are no base of a bonus.
earned as (
    select
        score.provider_id,
        score.period_start_date,
        score.is_budget_neutral,
        score.score_share,
        entry.is_shadow,
        cast(score.score_share * 100000000 as hugeint) as share_units,
        cast(score.weighted_distance * 10000000000000000 as hugeint) as distance_units,
        cast(score.measured_weight * 100000000 as hugeint)
        * cast(score.score_room * 100000000 as hugeint)
        * 100000000 as divisor,
        cast(sum(entry.amount_eur) * 100 as hugeint) as paid_cents
    from settle.score as score
    inner join entry
        on
            score.provider_id = entry.provider_id
            and score.period_start_date <= entry.paid_for_month
            and score.period_end_date >= entry.paid_for_month
    where entry.line_kind_code not in ('act', 'incentive', 'score')
    group by
        score.provider_id,
        score.period_start_date,
        score.is_budget_neutral,
        score.score_share,
        score.weighted_distance,
        score.measured_weight,
        score.score_room,
        entry.is_shadow
),

-- Euros: paid x share x distance / (weight x room), in whole numbers, halves away from zero.
scored as (
    select
        *,
        sign(distance_units) * sign(paid_cents)
        * (
            (2 * abs(paid_cents) * share_units * abs(distance_units) + divisor)
            // (2 * divisor)
        ) as score_cents
    from earned
),

-- What keeps the sum of all that are paid at nought, by what was paid for their lists. Where cents
-- fall goes by euros; names decide only between those who are alike in all.
totalled as (
    select
        *,
        sum(score_cents) over period as all_cents,
        sum(paid_cents) over period as all_paid_cents,
        sum(paid_cents) over (
            partition by period_start_date, is_budget_neutral, is_shadow
            order by paid_cents, score_cents, provider_id
            rows between unbounded preceding and current row
        ) as running_paid_cents
    from scored
    window period as (partition by period_start_date, is_budget_neutral, is_shadow)
),

running as (
    select
        *,
        case
            when is_budget_neutral and not is_shadow and all_paid_cents > 0
                then
                    -sign(all_cents)
                    * (
                        (2 * abs(all_cents) * running_paid_cents + all_paid_cents)
                        // (2 * all_paid_cents)
                    )
            else 0
        end as running_neutral_cents
    from totalled
),

due as (
    select
        provider_id,
        period_start_date,
        is_shadow,
        score_share,
        score_cents
        + running_neutral_cents
        - lag(running_neutral_cents, 1, 0) over (
            partition by period_start_date, is_budget_neutral, is_shadow
            order by paid_cents, score_cents, provider_id
        ) as due_cents
    from running
),

posted as (
    select
        provider_id,
        list_month as period_start_date,
        is_shadow,
        cast(sum(amount_eur) * 100 as hugeint) as posted_cents
    from settle.settled_sum
    where line_kind_code = 'score'
    group by provider_id, list_month, is_shadow
),

final as (
    select
        coalesce(due.provider_id, posted.provider_id) as provider_id,
        coalesce(due.period_start_date, posted.period_start_date) as period_start_date,
        coalesce(due.is_shadow, posted.is_shadow) as is_shadow,
        case when posted.provider_id is null then 'period_scored' else 'score_correction' end
            as reason_code,
        coalesce(due.score_share, 0) as score_share,
        coalesce(due.due_cents, 0) - coalesce(posted.posted_cents, 0) as amount_cents
    from due
    full join posted
        on
            due.provider_id = posted.provider_id
            and due.period_start_date = posted.period_start_date
            and due.is_shadow = posted.is_shadow
)

select
    period_start_date as corrected_month,
    'score' as line_kind_code,
    provider_id,
    is_shadow,
    reason_code,
    cast(0 as bigint) as person_days,
    cast(0 as bigint) as act_count,
    cast(score_share as decimal(18, 8)) as rate_eur,
    cast(cast(amount_cents as decimal(18, 0)) * 0.01 as decimal(18, 2)) as amount_eur
from final
where amount_cents <> 0
