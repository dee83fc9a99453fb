-- grain: One row per line of the general ledger, classification and service class it goes to.
-- key: [voucher_number, line_number, classification_code, service_class_code]
-- partition: ledger_month
-- may_be_empty: the source may not have begun to send
-- touched:
--   - select ledger_month from changed.ledger_entry
--   - >-
--     select ledger_entry.ledger_month
--     from core.ledger_entry as ledger_entry
--     inner join changed.cost_allocation_key as cost_allocation_key
--     on ledger_entry.cost_centre_code = cost_allocation_key.cost_centre_code
--   - >-
--     select ledger_entry.ledger_month
--     from core.ledger_entry as ledger_entry
--     inner join changed.service_class as service_class
--     on ledger_entry.ledger_month >= service_class.valid_from_date
with
-- All arithmetic is in whole cents and whole parts of keys: millionths of a centre's share times
-- thousandths of a class's share in the other classification, a billion to a whole.
line as (
    select
        voucher_number,
        line_number,
        ledger_month,
        cost_centre_code,
        account_code,
        service_class_code,
        abs(cast(amount_eur * 100 as bigint)) as cents,
        sign(amount_eur) as direction
    from core.ledger_entry
),

-- A stated class takes the whole line; else the centre's keys of the line's month share it.
portion as (
    select
        voucher_number,
        line_number,
        ledger_month,
        service_class_code,
        cast(1000000 as bigint) as millionths
    from line
    where service_class_code is not null
    union all
    select
        line.voucher_number,
        line.line_number,
        line.ledger_month,
        allocation_key.service_class_code,
        cast(allocation_key.share * 1000000 as bigint) as millionths
    from line
    inner join core.cost_allocation_key as allocation_key
        on
            line.cost_centre_code = allocation_key.cost_centre_code
            and line.ledger_month >= allocation_key.valid_from_date
            and line.ledger_month < coalesce(allocation_key.valid_to_date, date '9999-12-31')
    where line.service_class_code is null and allocation_key.share > 0
),

-- The classification in force says its own classes; its mapping says those of the other.
mapping as (
    select distinct
        service_class_code as from_class_code,
        classification_code,
        service_class_code,
        cast(1000 as bigint) as thousandths,
        valid_from_date,
        coalesce(valid_to_date, date '9999-12-31') as valid_to_date
    from core.service_class
    union all
    select
        service_class_code as from_class_code,
        mapped_classification_code as classification_code,
        mapped_class_code as service_class_code,
        cast(mapped_share * 1000 as bigint) as thousandths,
        valid_from_date,
        coalesce(valid_to_date, date '9999-12-31') as valid_to_date
    from core.service_class
    where mapped_share > 0
),

weighted as (
    select
        portion.voucher_number,
        portion.line_number,
        mapping.classification_code,
        mapping.service_class_code,
        cast(sum(portion.millionths * mapping.thousandths) as bigint) as weight
    from portion
    inner join mapping
        on
            portion.service_class_code = mapping.from_class_code
            and portion.ledger_month >= mapping.valid_from_date
            and portion.ledger_month < mapping.valid_to_date
    group by
        portion.voucher_number,
        portion.line_number,
        mapping.classification_code,
        mapping.service_class_code
),

totalled as (
    select
        *,
        cast(
            sum(weight) over (partition by voucher_number, line_number, classification_code)
            as bigint
        ) as total_weight
    from weighted
),

-- cents x weight / total, with the remainder, in steps that stay within 64 bits.
parted as (
    select
        totalled.voucher_number,
        totalled.line_number,
        totalled.classification_code,
        totalled.service_class_code,
        line.ledger_month,
        line.account_code,
        line.direction,
        line.cents,
        (line.cents // totalled.total_weight) * totalled.weight
        + ((line.cents % totalled.total_weight) * totalled.weight) // totalled.total_weight
            as whole_cents,
        ((line.cents % totalled.total_weight) * totalled.weight) % totalled.total_weight
            as remainder
    from totalled
    inner join line
        on
            totalled.voucher_number = line.voucher_number
            and totalled.line_number = line.line_number
),

ranked as (
    select
        *,
        row_number() over (
            partition by voucher_number, line_number, classification_code
            order by remainder desc, service_class_code asc
        ) as place,
        cents - cast(
            sum(whole_cents) over (partition by voucher_number, line_number, classification_code)
            as bigint
        ) as left_cents
    from parted
),

-- The largest remainder: the cents left go, one each, to the classes that lost most.
final as (
    select
        voucher_number,
        line_number,
        classification_code,
        service_class_code,
        ledger_month,
        account_code,
        cast(
            direction * (whole_cents + case when place <= left_cents then 1 else 0 end) * 0.01
            as decimal(18, 2)
        ) as amount_eur
    from ranked
)

select
    voucher_number,
    line_number,
    classification_code,
    service_class_code,
    ledger_month,
    account_code,
    amount_eur
from final
