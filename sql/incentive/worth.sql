-- What each indicator of each provider in a period is worth in euros, of what was paid for the
-- list. A euro amount is the difference of two running sums rounded to a cent, in order of the
-- indicators' ids, so that a provider's indicators sum to its bonus or sanction. In whole numbers:
-- parts, weights and shares in hundred-millionths, euros in cents.
with
-- For the list alone: fees of acts and what is paid beside them are no base of a bonus. A
-- correction belongs to the month that it corrects.
entry as (
    select
        capitation_run_id,
        settlement_month as paid_for_month,
        line_kind_code,
        provider_id,
        is_shadow,
        amount_eur
    from mart.capitation_line
    union all
    select
        capitation_run_id,
        corrected_month as paid_for_month,
        line_kind_code,
        provider_id,
        is_shadow,
        amount_eur
    from mart.capitation_adjustment
),

paid as (
    select
        run.service_code,
        entry.provider_id,
        bool_and(entry.is_shadow) as is_shadow,
        sum(entry.amount_eur) as paid_eur
    from entry
    inner join mart.capitation_run as run on entry.capitation_run_id = run.capitation_run_id
    where
        entry.paid_for_month >= $begin_date
        and entry.paid_for_month < $end_date
        and entry.line_kind_code not in ('act', 'incentive', 'score')
    group by run.service_code, entry.provider_id
),

counted as (
    select
        contribution.*,
        coalesce(paid.is_shadow, false) as is_shadow,
        coalesce(paid.paid_eur, 0) as paid_eur,
        cast(coalesce(paid.paid_eur, 0) * 100 as hugeint) as paid_cents,
        cast(contribution.weight * 100000000 as hugeint) as weight_units,
        cast((contribution.counted_part - contribution.neutral_score) * 100000000 as hugeint)
            as above_units,
        cast(contribution.neutral_score * 100000000 as hugeint) as neutral_units,
        cast(contribution.bonus_share * 100000000 as hugeint) as bonus_units,
        cast(contribution.sanction_share * 100000000 as hugeint) as sanction_units
    from mart.incentive_contribution as contribution
    left join paid
        on
            contribution.provider_id = paid.provider_id
            and contribution.service_code = paid.service_code
    where
        contribution.period_start_date = $period_start_date
        and contribution.effective_weight is not null
),

summed as (
    select
        *,
        sum(weight_units) over list as all_weight_units,
        sum(weight_units * above_units) over list as all_above_units,
        sum(weight_units * above_units) over (
            partition by provider_id, scheme_id
            order by indicator_id
            rows between unbounded preceding and current row
        ) as running_units
    from counted
    window list as (partition by provider_id, scheme_id)
),

-- Cents of the running sum: paid x share x sum(weight x (part - neutral)) / (weights x room), on
-- the score's own side of the neutral one.
sided as (
    select
        *,
        case when all_above_units >= 0 then bonus_units else sanction_units end as share_units,
        all_weight_units
        * case
            when all_above_units >= 0 then 100000000 - neutral_units else neutral_units
        end
        * 100000000 as divisor
    from summed
),

rounded as (
    select
        *,
        sign(running_units)
        * (
            (2 * paid_cents * share_units * abs(running_units) + divisor) // (2 * divisor)
        ) as running_cents
    from sided
),

stepped as (
    select
        *,
        running_cents
        - lag(running_cents, 1, 0) over (
            partition by provider_id, scheme_id order by indicator_id
        ) as worth_cents
    from rounded
)

select
    provider_id,
    scheme_id,
    indicator_id,
    is_early_warning,
    is_shadow,
    is_budget_neutral,
    state_code,
    value,
    effective_weight,
    counted_part,
    score,
    cast(paid_eur as decimal(18, 2)) as paid_eur,
    cast(cast(worth_cents as decimal(18, 0)) * 0.01 as decimal(18, 2)) as worth_eur
from stepped
order by scheme_id, provider_id, indicator_id
