-- Payments, each with the most that two persons may hold of it: twice what a whole month at the
-- dearest rate of its lines brings, what two have most of in acts, the incentive in proportion,
-- and every correction of persons as if it were theirs. It is no less than they do hold.
with
line as (
    select
        capitation_run_id,
        provider_id,
        is_shadow,
        cast(
            max(case when line_kind_code in ('capitation', 'unseen') then rate_eur else 0 end)
            as decimal(18, 4)
        ) as rate_eur,
        cast(
            sum(case when line_kind_code = 'incentive' then amount_eur else 0 end)
            as decimal(18, 2)
        ) as incentive_eur,
        cast(
            sum(case when line_kind_code <> 'incentive' then amount_eur else 0 end)
            as decimal(18, 2)
        ) as earned_eur
    from release.capitation_line
    group by capitation_run_id, provider_id, is_shadow
),

person_act as (
    select
        done.capitation_run_id,
        done.provider_id,
        done.is_shadow,
        row_number() over (
            partition by done.capitation_run_id, done.provider_id, done.is_shadow
            order by sum(done.act_count * fee.fee_eur) desc
        ) as act_rank,
        sum(done.act_count * fee.fee_eur) as act_eur
    from release.frozen_act as done
    -- An act without a fee is not paid.
    inner join release.frozen_act_fee as fee
        on
            done.capitation_run_id = fee.capitation_run_id
            and done.list_month = fee.list_month
            and done.procedure_code = fee.procedure_code
    group by done.capitation_run_id, done.provider_id, done.is_shadow, done.person_id
),

act as (
    select
        capitation_run_id,
        provider_id,
        is_shadow,
        cast(sum(act_eur) as decimal(18, 2)) as act_eur
    from person_act
    where act_rank <= 2
    group by capitation_run_id, provider_id, is_shadow
),

correction as (
    select
        capitation_run_id,
        provider_id,
        is_shadow,
        cast(sum(abs(amount_eur)) as decimal(18, 2)) as correction_eur
    from release.capitation_adjustment
    -- A bonus, a sanction and a step of list size are of the list, not of anyone on it.
    where line_kind_code not in ('score', 'breakpoint')
    group by capitation_run_id, provider_id, is_shadow
),

held as (
    select
        payment.*,
        cast(2 * coalesce(line.rate_eur, 0) * run.month_days / run.year_days as double)
        + cast(coalesce(act.act_eur, 0) as double) as earned_by_two,
        cast(abs(coalesce(line.incentive_eur, 0)) as double)
        / nullif(cast(abs(line.earned_eur) as double), 0) as incentive_share,
        cast(coalesce(correction.correction_eur, 0) as double) as correction_eur
    from release.capitation_payment as payment
    left join release.capitation_run as run on payment.capitation_run_id = run.capitation_run_id
    left join line
        on
            payment.capitation_run_id = line.capitation_run_id
            and payment.provider_id = line.provider_id
            and payment.is_shadow = line.is_shadow
    left join act
        on
            payment.capitation_run_id = act.capitation_run_id
            and payment.provider_id = act.provider_id
            and payment.is_shadow = act.is_shadow
    left join correction
        on
            payment.capitation_run_id = correction.capitation_run_id
            and payment.provider_id = correction.provider_id
            and payment.is_shadow = correction.is_shadow
)

select
    capitation_run_id,
    rulebook_id,
    settlement_month,
    provider_id,
    facilitator_provider_id,
    is_shadow,
    person_count,
    person_days,
    line_eur,
    adjustment_eur,
    amount_eur,
    cast(
        earned_by_two * (1 + coalesce(incentive_share, 0)) + correction_eur + 0.01
        as decimal(18, 2)
    ) as top_two_eur
from held
