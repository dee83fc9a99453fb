-- grain: One row per line of the general ledger, in its newest version, that can be allocated.
-- key: [voucher_number, line_number]
-- partition: ledger_month
-- may_be_empty: the source may not have begun to send
-- touched:
--   - select ledger_month from changed.general_ledger
--   - >-
--     select general_ledger.ledger_month
--     from staging.general_ledger as general_ledger
--     inner join changed.cost_allocation_key as cost_allocation_key
--     on general_ledger.cost_centre_code = cost_allocation_key.cost_centre_code
--   - >-
--     select general_ledger.ledger_month
--     from staging.general_ledger as general_ledger
--     inner join changed.service_class as service_class
--     on general_ledger.ledger_month >= service_class.valid_from_date
with
class as (
    select distinct
        service_class_code,
        valid_from_date,
        coalesce(valid_to_date, date '9999-12-31') as valid_to_date
    from core.service_class
),

month as (
    select distinct ledger_month
    from current.general_ledger
),

class_month as (
    select
        month.ledger_month,
        class.service_class_code
    from month
    inner join class
        on
            month.ledger_month >= class.valid_from_date
            and month.ledger_month < class.valid_to_date
),

-- Centres with keys in a month, all of them to classes in force, and not all of them zero.
centre_month as (
    select
        month.ledger_month,
        allocation_key.cost_centre_code
    from month
    inner join core.cost_allocation_key as allocation_key
        on
            month.ledger_month >= allocation_key.valid_from_date
            and month.ledger_month < coalesce(allocation_key.valid_to_date, date '9999-12-31')
    left join class_month
        on
            month.ledger_month = class_month.ledger_month
            and allocation_key.service_class_code = class_month.service_class_code
    group by month.ledger_month, allocation_key.cost_centre_code
    having
        count(class_month.service_class_code) = count(*)
        and sum(allocation_key.share) > 0
),

final as (
    select
        general_ledger.voucher_number,
        general_ledger.line_number,
        general_ledger.ledger_month,
        general_ledger.posted_date,
        general_ledger.cost_centre_code,
        general_ledger.account_code,
        general_ledger.service_class_code,
        general_ledger.counterparty_code,
        general_ledger.amount_eur,
        general_ledger.delivery_sequence,
        general_ledger.record_number
    from current.general_ledger as general_ledger
    left join class_month
        on
            general_ledger.ledger_month = class_month.ledger_month
            and general_ledger.service_class_code = class_month.service_class_code
    left join centre_month
        on
            general_ledger.ledger_month = centre_month.ledger_month
            and general_ledger.cost_centre_code = centre_month.cost_centre_code
    -- A line whose class or cost centre nobody knows on its month waits in core.unresolved.
    where
        case
            when general_ledger.service_class_code is null
                then centre_month.cost_centre_code is not null
            else class_month.service_class_code is not null
        end
)

select
    voucher_number,
    line_number,
    ledger_month,
    posted_date,
    cost_centre_code,
    account_code,
    service_class_code,
    counterparty_code,
    amount_eur,
    delivery_sequence,
    record_number
from final
