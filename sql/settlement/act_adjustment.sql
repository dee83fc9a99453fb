-- Acts of closed months that came or went, at the fees of their month; and fees put right, for the
-- acts as they stand after all changes.
with
change as (
    select
        list_month,
        provider_id,
        procedure_code,
        is_shadow,
        reason_code,
        cast(sum(act_count) as bigint) as act_count
    from settle.act_change
    group by list_month, provider_id, procedure_code, is_shadow, reason_code
    having sum(act_count) <> 0
),

counted as (
    select
        list_month,
        provider_id,
        procedure_code,
        is_shadow,
        act_count
    from settle.settled_sum
    where line_kind_code = 'act'
    union all
    select
        list_month,
        provider_id,
        procedure_code,
        is_shadow,
        act_count
    from change
),

standing as (
    select
        list_month,
        provider_id,
        procedure_code,
        is_shadow,
        cast(sum(act_count) as bigint) as act_count
    from counted
    group by list_month, provider_id, procedure_code, is_shadow
),

final as (
    select
        change.list_month,
        change.provider_id,
        change.procedure_code,
        change.is_shadow,
        change.reason_code,
        change.act_count,
        coalesce(fee.fee_eur, 0) as rate_eur,
        change.act_count * coalesce(fee.fee_eur, 0) as amount_eur
    from change
    left join settle.act_fee as fee
        on
            change.list_month = fee.list_month
            and change.procedure_code = fee.procedure_code
    union all
    select
        standing.list_month,
        standing.provider_id,
        standing.procedure_code,
        standing.is_shadow,
        'tariff_correction' as reason_code,
        cast(0 as bigint) as act_count,
        new_fee.fee_eur as rate_eur,
        standing.act_count * (new_fee.fee_eur - coalesce(fee.fee_eur, 0)) as amount_eur
    from standing
    inner join settle.new_act_fee as new_fee
        on
            standing.list_month = new_fee.list_month
            and standing.procedure_code = new_fee.procedure_code
    left join settle.act_fee as fee
        on
            standing.list_month = fee.list_month
            and standing.procedure_code = fee.procedure_code
    where standing.act_count <> 0 and new_fee.fee_eur <> coalesce(fee.fee_eur, 0)
)

select
    list_month as corrected_month,
    'act' as line_kind_code,
    provider_id,
    is_shadow,
    procedure_code,
    reason_code,
    cast(0 as bigint) as person_days,
    act_count,
    cast(rate_eur as decimal(18, 8)) as rate_eur,
    cast(amount_eur as decimal(18, 2)) as amount_eur
from final
