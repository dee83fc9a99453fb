-- One row per provider and whether it is a shadow: lines and adjustments, summed. Every provider
-- with either has one; who acts under a facilitator is paid by itself.
with
part as (
    select
        provider_id,
        is_shadow,
        case when line_kind_code in ('capitation', 'unseen') then person_count else 0 end
            as person_count,
        case when line_kind_code in ('capitation', 'unseen') then person_days else 0 end
            as person_days,
        amount_eur as line_eur,
        0 as adjustment_eur
    from settle.line
    union all
    select
        provider_id,
        is_shadow,
        0 as person_count,
        0 as person_days,
        0 as line_eur,
        amount_eur as adjustment_eur
    from settle.adjustment
),

total as (
    select
        provider_id,
        is_shadow,
        cast(sum(person_count) as bigint) as person_count,
        cast(sum(person_days) as bigint) as person_days,
        cast(sum(line_eur) as decimal(18, 2)) as line_eur,
        cast(sum(adjustment_eur) as decimal(18, 2)) as adjustment_eur
    from part
    group by provider_id, is_shadow
),

final as (
    select
        total.*,
        provider.facilitator_provider_id
    from total
    left join settle.payee as provider on total.provider_id = provider.provider_id
)

select
    provider_id,
    facilitator_provider_id,
    is_shadow,
    person_count,
    person_days,
    line_eur,
    adjustment_eur,
    cast(line_eur + adjustment_eur as decimal(18, 2)) as amount_eur
from final
