-- grain: One row per client fee, in its newest version.
-- key: [fee_id]
-- partition: charge_month
-- may_be_empty: the source may not have begun to send
-- touched:
--   - >-
--     select cast(date_trunc('month', client_fees.charged_date) as date)
--     from staging.client_fees as client_fees
--     inner join changed.person_alias as person_alias
--     on client_fees.person_id = person_alias.alias_person_id
--   - select cast(date_trunc('month', charged_date) as date) from changed.client_fees
with
final as (
    select
        client_fees.fee_id,
        coalesce(person_alias.person_id, client_fees.person_id) as person_id,
        client_fees.fee_type_code,
        client_fees.charged_date,
        cast(date_trunc('month', client_fees.charged_date) as date) as charge_month,
        client_fees.amount_eur,
        client_fees.status_code,
        client_fees.delivery_sequence,
        client_fees.record_number
    from current.client_fees as client_fees
    left join core.person_alias as person_alias
        on client_fees.person_id = person_alias.alias_person_id
)

select
    fee_id,
    person_id,
    fee_type_code,
    charged_date,
    charge_month,
    amount_eur,
    status_code,
    delivery_sequence,
    record_number
from final
