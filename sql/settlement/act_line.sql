-- Fees for acts, and the incentive as a share of what capitation and acts earn together.
with
act as (
    select
        act.provider_id,
        act.procedure_code,
        act.is_shadow,
        fee.fee_eur,
        sum(act.act_count) as act_count,
        cast(sum(act.act_count) * fee.fee_eur as decimal(18, 2)) as amount_eur
    from settle.act as act
    inner join settle.act_fee as fee
        on act.list_month = fee.list_month and act.procedure_code = fee.procedure_code
    where act.list_month = $list_month
    group by act.provider_id, act.procedure_code, act.is_shadow, fee.fee_eur
),

earned as (
    select
        provider_id,
        is_shadow,
        amount_eur
    from act
    union all
    select
        provider_id,
        is_shadow,
        amount_eur
    from settle.line
),

incentive as (
    select
        provider_id,
        is_shadow,
        share_of(sum(amount_eur), $incentive_share) as amount_eur
    from earned
    where $incentive_share > 0
    group by provider_id, is_shadow
),

final as (
    select
        'act' as line_kind_code,
        provider_id,
        is_shadow,
        procedure_code,
        act_count,
        fee_eur as rate_eur,
        amount_eur
    from act
    union all
    select
        'incentive' as line_kind_code,
        provider_id,
        is_shadow,
        cast(null as varchar) as procedure_code,
        0 as act_count,
        cast($incentive_share as decimal(18, 8)) as rate_eur,
        amount_eur
    from incentive
)

select
    line_kind_code,
    provider_id,
    is_shadow,
    procedure_code,
    cast(0 as bigint) as person_count,
    cast(0 as bigint) as person_days,
    cast(act_count as bigint) as act_count,
    cast(rate_eur as decimal(18, 6)) as base_eur,
    cast(1 as decimal(18, 8)) as regional_factor,
    cast(1 as decimal(18, 8)) as need_factor,
    cast(1 as decimal(18, 8)) as correction_factor,
    cast(1 as decimal(18, 8)) as neutrality_factor,
    cast(rate_eur as decimal(18, 8)) as rate_eur,
    amount_eur
from final
