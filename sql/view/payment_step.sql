-- grain: One row per payment and step; corrections of several months are one step.
with
step as (
    select
        rulebook_id,
        settlement_month,
        provider_id,
        is_shadow,
        step_number,
        step_code,
        max(factor) as factor,
        cast(sum(step_eur) as decimal(18, 2)) as step_eur
    from shelf.capitation_explanation
    where step_code <> 'list'
    group by rulebook_id, settlement_month, provider_id, is_shadow, step_number, step_code
)

select
    rulebook_id,
    settlement_month,
    provider_id,
    is_shadow,
    step_number,
    step_code,
    factor,
    step_eur,
    -- Where its bar begins and ends; the payment itself stands on nought.
    case
        when step_code = 'payment' then cast(0 as decimal(18, 2))
        else cast(sum(step_eur) over running - step_eur as decimal(18, 2))
    end as from_eur,
    case
        when step_code = 'payment' then step_eur
        else cast(sum(step_eur) over running as decimal(18, 2))
    end as to_eur
from step
window
    running as (
        partition by rulebook_id, settlement_month, provider_id, is_shadow
        order by step_number
        rows between unbounded preceding and current row
    )
order by rulebook_id, settlement_month, provider_id, step_number
