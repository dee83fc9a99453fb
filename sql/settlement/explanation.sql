-- What each step of a payment adds, from the base to the total, and what would have been paid
-- without it: figures by provider, for words in three languages. Without a factor means that no
-- list had it: under neutrality the budget would be shared out anew. The incentive follows what is
-- earned; that of corrections is a step of its own.
with
cell as (
    select
        provider_id,
        is_shadow,
        person_days,
        person_count,
        base_eur,
        regional_factor,
        need_factor,
        correction_factor,
        neutrality_factor,
        amount_eur,
        euros(base_eur, person_days, $year_days) as base_amount_eur,
        euros(round(cast(base_eur as decimal(38, 6)) * regional_factor, 8), person_days, $year_days)
            as regional_eur,
        euros(
            round(cast(base_eur as decimal(38, 6)) * regional_factor * need_factor, 8),
            person_days,
            $year_days
        ) as need_eur,
        euros(rate_eur, person_days, $year_days) as full_eur
    from settle.line
    where line_kind_code in ('capitation', 'unseen')
),

list_total as (
    select
        provider_id,
        is_shadow,
        cast(sum(person_count) as bigint) as person_count,
        cast(sum(person_days) as bigint) as person_days,
        cast(sum(base_amount_eur) as decimal(18, 2)) as base_amount_eur,
        cast(sum(regional_eur) as decimal(18, 2)) as regional_eur,
        cast(sum(need_eur) as decimal(18, 2)) as need_eur,
        cast(sum(full_eur) as decimal(18, 2)) as full_eur,
        cast(sum(amount_eur) as decimal(18, 2)) as amount_eur,
        max(need_factor) as need_factor,
        max(correction_factor) as correction_factor,
        max(neutrality_factor) as neutrality_factor
    from cell
    group by provider_id, is_shadow
),

-- Lists as they would be paid if no list had the factor.
without_factor as (
    select
        left_out as step_code,
        provider_id,
        is_shadow,
        cast(sum(amount_eur) as decimal(18, 2)) as amount_eur
    from settle.priced
    where left_out <> ''
    group by left_out, provider_id, is_shadow
),

-- What an incentive is a share of.
earned as (
    select
        provider_id,
        is_shadow,
        cast(sum(amount_eur) as decimal(18, 2)) as amount_eur
    from settle.line
    where line_kind_code <> 'incentive'
    group by provider_id, is_shadow
),

other_line as (
    select
        provider_id,
        is_shadow,
        case line_kind_code when 'breakpoint' then 80 when 'act' then 85 else 90 end
            as step_number,
        line_kind_code as step_code,
        cast(null as varchar) as detail_code,
        cast(sum(case line_kind_code when 'act' then act_count else person_days end) as bigint)
            as quantity,
        cast(sum(amount_eur) as decimal(18, 2)) as step_eur
    from settle.line
    where line_kind_code not in ('capitation', 'unseen')
    group by provider_id, is_shadow, line_kind_code
),

adjusted as (
    select
        provider_id,
        is_shadow,
        case line_kind_code when 'capitation' then 95 when 'act' then 96 else 97 end
            as step_number,
        case line_kind_code
            when 'capitation' then 'adjustment' else concat('adjustment_', line_kind_code)
        end as step_code,
        concat(strftime(corrected_month, '%Y-%m'), ' ', reason_code) as detail_code,
        cast(sum(case line_kind_code when 'act' then act_count else person_days end) as bigint)
            as quantity,
        cast(sum(amount_eur) as decimal(18, 2)) as step_eur
    from settle.adjustment
    group by provider_id, is_shadow, line_kind_code, corrected_month, reason_code
),

step as (
    select
        provider_id,
        is_shadow,
        10 as step_number,
        'list' as step_code,
        cast(null as varchar) as detail_code,
        person_days as quantity,
        cast(null as decimal(18, 2)) as step_eur
    from list_total
    union all
    select
        provider_id,
        is_shadow,
        20 as step_number,
        'base' as step_code,
        cast(null as varchar) as detail_code,
        person_days as quantity,
        base_amount_eur as step_eur
    from list_total
    union all
    select
        provider_id,
        is_shadow,
        30 as step_number,
        'regional_factor' as step_code,
        cast(null as varchar) as detail_code,
        person_days as quantity,
        regional_eur - base_amount_eur as step_eur
    from list_total
    union all
    select
        provider_id,
        is_shadow,
        40 as step_number,
        'need_factor' as step_code,
        cast(null as varchar) as detail_code,
        person_days as quantity,
        need_eur - regional_eur as step_eur
    from list_total
    union all
    select
        provider_id,
        is_shadow,
        50 as step_number,
        'correction_factor' as step_code,
        cast(null as varchar) as detail_code,
        person_days as quantity,
        full_eur - need_eur as step_eur
    from list_total
    union all
    select
        provider_id,
        is_shadow,
        60 as step_number,
        'neutrality' as step_code,
        cast(null as varchar) as detail_code,
        person_days as quantity,
        amount_eur - full_eur as step_eur
    from list_total
    where $is_budget_neutral
    union all
    select *
    from other_line
    union all
    select *
    from adjusted
    union all
    select
        provider_id,
        is_shadow,
        99 as step_number,
        'payment' as step_code,
        cast(null as varchar) as detail_code,
        person_days as quantity,
        amount_eur as step_eur
    from settle.payment
),

-- Less than was paid, if the step were not: of what is earned, and of all else.
less as (
    select
        step.*,
        cast(
            case
                when step.step_code in ('regional_factor', 'need_factor', 'correction_factor')
                    then list_total.amount_eur - without_factor.amount_eur
                when step.step_code = 'base' then list_total.amount_eur
                when step.step_code in ('neutrality', 'breakpoint', 'act') then step.step_eur
                else 0
            end as decimal(18, 2)
        ) as earned_eur,
        cast(
            case
                when step.step_code = 'incentive' or step.step_number between 95 and 97
                    then step.step_eur
                else 0
            end as decimal(18, 2)
        ) as other_eur
    from step
    left join list_total
        on step.provider_id = list_total.provider_id and step.is_shadow = list_total.is_shadow
    left join without_factor
        on
            step.step_code = without_factor.step_code
            and step.provider_id = without_factor.provider_id
            and step.is_shadow = without_factor.is_shadow
)

select
    less.provider_id,
    less.is_shadow,
    less.step_number,
    less.step_code,
    less.detail_code,
    less.quantity,
    less.step_eur,
    cast(
        payment.amount_eur
        - less.other_eur
        - less.earned_eur
        - share_of(coalesce(earned.amount_eur, 0), $incentive_share)
        + share_of(coalesce(earned.amount_eur, 0) - less.earned_eur, $incentive_share)
        as decimal(18, 2)
    ) as without_eur,
    coalesce(list_total.person_count, 0) as person_count,
    list_total.need_factor,
    list_total.correction_factor,
    list_total.neutrality_factor,
    list_total.base_amount_eur,
    list_total.regional_eur
from less
inner join settle.payment as payment
    on less.provider_id = payment.provider_id and less.is_shadow = payment.is_shadow
left join earned
    on less.provider_id = earned.provider_id and less.is_shadow = earned.is_shadow
left join list_total
    on less.provider_id = list_total.provider_id and less.is_shadow = list_total.is_shadow
