-- Fees of closed months whose fees were put right, all of them; an act that has none any more is
-- worth 0.
with
fee_now as (
    select
        in_force.list_month,
        fee.procedure_code,
        fee.fee_eur
    from settle.in_force as in_force
    inner join rulebook.capitation_act_fee as fee
        on in_force.rulebook_id = fee.rulebook_id and in_force.version_date = fee.valid_from_date
),

fee_then as (
    select
        list_month,
        procedure_code,
        fee_eur
    from settle.act_fee
    where list_month < $list_month
),

compared as (
    select
        coalesce(fee_now.list_month, fee_then.list_month) as list_month,
        coalesce(fee_now.procedure_code, fee_then.procedure_code) as procedure_code,
        coalesce(fee_now.fee_eur, 0) as fee_eur,
        coalesce(fee_then.fee_eur, 0) as fee_then_eur
    from fee_now
    full join fee_then
        on
            fee_now.list_month = fee_then.list_month
            and fee_now.procedure_code = fee_then.procedure_code
),

differing as (
    select distinct list_month
    from compared
    where fee_eur <> fee_then_eur
)

select
    compared.list_month,
    compared.procedure_code,
    cast(compared.fee_eur as decimal(18, 2)) as fee_eur
from compared
inner join differing on compared.list_month = differing.list_month
