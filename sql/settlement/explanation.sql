-- What each step of a payment adds, from the base to the total, and what would have been paid
-- without it: figures by provider, for words in three languages.
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
        amount_eur,
        euros(base_eur, person_days, $year_days) as base_amount_eur,
        euros(round(cast(base_eur as decimal(38, 6)) * regional_factor, 8), person_days, $year_days)
            as regional_eur,
        euros(
            round(cast(base_eur as decimal(38, 6)) * regional_factor * need_factor, 8),
            person_days,
            $year_days
        ) as need_eur,
        euros(rate_eur, person_days, $year_days) as full_eur,
        euros(
            round(cast(base_eur as decimal(38, 6)) * need_factor * correction_factor, 8),
            person_days,
            $year_days
        ) as without_regional_eur,
        euros(
            round(cast(base_eur as decimal(38, 6)) * regional_factor * correction_factor, 8),
            person_days,
            $year_days
        ) as without_need_eur
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
        cast(sum(without_regional_eur) as decimal(18, 2)) as without_regional_eur,
        cast(sum(without_need_eur) as decimal(18, 2)) as without_need_eur,
        cast(sum(amount_eur) as decimal(18, 2)) as amount_eur,
        max(need_factor) as need_factor,
        max(correction_factor) as correction_factor
    from cell
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
        cast(null as decimal(18, 2)) as step_eur,
        cast(0 as decimal(18, 2)) as less_eur
    from list_total
    union all
    select
        provider_id,
        is_shadow,
        20 as step_number,
        'base' as step_code,
        cast(null as varchar) as detail_code,
        person_days as quantity,
        base_amount_eur as step_eur,
        amount_eur as less_eur
    from list_total
    union all
    select
        provider_id,
        is_shadow,
        30 as step_number,
        'regional_factor' as step_code,
        cast(null as varchar) as detail_code,
        person_days as quantity,
        regional_eur - base_amount_eur as step_eur,
        full_eur - without_regional_eur as less_eur
    from list_total
    union all
    select
        provider_id,
        is_shadow,
        40 as step_number,
        'need_factor' as step_code,
        cast(null as varchar) as detail_code,
        person_days as quantity,
        need_eur - regional_eur as step_eur,
        full_eur - without_need_eur as less_eur
    from list_total
    union all
    select
        provider_id,
        is_shadow,
        50 as step_number,
        'correction_factor' as step_code,
        cast(null as varchar) as detail_code,
        person_days as quantity,
        full_eur - need_eur as step_eur,
        full_eur - need_eur as less_eur
    from list_total
    union all
    select
        provider_id,
        is_shadow,
        60 as step_number,
        'neutrality' as step_code,
        cast(null as varchar) as detail_code,
        person_days as quantity,
        amount_eur - full_eur as step_eur,
        amount_eur - full_eur as less_eur
    from list_total
    where $is_budget_neutral
    union all
    select
        other_line.*,
        step_eur as less_eur
    from other_line
    union all
    select
        adjusted.*,
        step_eur as less_eur
    from adjusted
    union all
    select
        provider_id,
        is_shadow,
        99 as step_number,
        'payment' as step_code,
        cast(null as varchar) as detail_code,
        person_days as quantity,
        amount_eur as step_eur,
        cast(0 as decimal(18, 2)) as less_eur
    from settle.payment
)

select
    step.provider_id,
    step.is_shadow,
    step.step_number,
    step.step_code,
    step.detail_code,
    step.quantity,
    step.step_eur,
    cast(payment.amount_eur - step.less_eur as decimal(18, 2)) as without_eur,
    coalesce(list_total.person_count, 0) as person_count,
    list_total.need_factor,
    list_total.correction_factor,
    list_total.base_amount_eur,
    list_total.regional_eur,
    list_total.full_eur,
    list_total.amount_eur as list_eur
from step
inner join settle.payment as payment
    on step.provider_id = payment.provider_id and step.is_shadow = payment.is_shadow
left join list_total
    on step.provider_id = list_total.provider_id and step.is_shadow = list_total.is_shadow
