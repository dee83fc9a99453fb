-- What the size of a list adds or takes: for each step, the person-days beyond it at its amount.
with
list_size as (
    select
        provider_id,
        is_shadow,
        cast(sum(person_days) as bigint) as person_days
    from settle.line
    where line_kind_code in ('capitation', 'unseen')
    group by provider_id, is_shadow
),

final as (
    select
        list_size.provider_id,
        list_size.is_shadow,
        breakpoint.list_from_count,
        greatest(list_size.person_days - breakpoint.list_from_count * $month_days, 0)
            as person_days,
        breakpoint.amount_eur
    from list_size
    inner join settle.breakpoint as breakpoint on breakpoint.list_month = $list_month
)

select
    'breakpoint' as line_kind_code,
    provider_id,
    is_shadow,
    list_from_count as person_count,
    person_days,
    cast(0 as bigint) as act_count,
    cast(amount_eur as decimal(18, 6)) as base_eur,
    cast(1 as decimal(18, 8)) as regional_factor,
    cast(1 as decimal(18, 8)) as need_factor,
    cast(1 as decimal(18, 8)) as correction_factor,
    cast(1 as decimal(18, 8)) as neutrality_factor,
    cast(amount_eur as decimal(18, 8)) as rate_eur,
    euros(amount_eur, person_days, $year_days) as amount_eur
from final
