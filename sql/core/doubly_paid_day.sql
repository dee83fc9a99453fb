-- grain: One row per person, service and day that was paid for in more than one way.
-- key: [person_id, paid_service_code, service_date]
-- may_be_empty: nothing may have been paid for twice
with
voucher as (
    select
        paid.person_id,
        service.paid_service_code,
        paid.service_date,
        cast(sum(paid.amount_eur) as decimal(18, 2)) as voucher_eur
    from core.voucher_transaction as paid
    inner join rulebook.paid_service as service
        on service.payment_way_code = 'voucher' and paid.service_code = service.service_code
    where paid.transaction_kind_code = 'payment' and not paid.is_reversed
    group by paid.person_id, service.paid_service_code, paid.service_date
),

event as (
    select
        -- A key: a condition on the kind beside the join would compare every row with every other.
        case when cost.event_kind_code = 'service_period' then cost.event_id end
            as service_period_id,
        cost.person_id,
        cost.event_date,
        cost.cost_month,
        cost.cost_eur,
        service.payment_way_code,
        service.paid_service_code
    from core.cost as cost
    inner join rulebook.paid_service as service
        on
            cost.costed_service_code = service.service_code
            and case cost.cost_source_code when 'invoiced' then 'invoice' else 'own' end
            = service.payment_way_code
    where cost.cost_eur > 0
),

-- Of a period of service every day of the month counts, at an even part of the month's cost.
own_day as (
    select
        event.person_id,
        event.paid_service_code,
        event.payment_way_code,
        event.cost_eur,
        case when period_month.service_period_id is null then event.event_date
        end as service_date,
        period_month.service_date as first_date,
        period_month.service_date + cast(period_month.service_days as integer) as end_date,
        period_month.service_days
    from event
    left join core.service_period_month as period_month
        on
            event.service_period_id = period_month.service_period_id
            and event.cost_month = period_month.service_month
),

single_day as (
    select
        person_id,
        paid_service_code,
        service_date,
        cast(sum(case payment_way_code when 'own' then cost_eur else 0 end) as decimal(18, 2))
            as own_eur,
        cast(
            sum(case payment_way_code when 'invoice' then cost_eur else 0 end)
            as decimal(18, 2)
        ) as invoice_eur
    from own_day
    where service_date is not null
    group by person_id, paid_service_code, service_date
),

-- Days on which something else was paid, within a period of own service.
other_day as (
    select
        person_id,
        paid_service_code,
        service_date
    from voucher
    union
    select
        person_id,
        paid_service_code,
        service_date
    from single_day
    where invoice_eur > 0
),

period_day as (
    select
        other_day.person_id,
        other_day.paid_service_code,
        other_day.service_date,
        cast(
            sum(round(cast(own_day.cost_eur as double) / own_day.service_days, 2))
            as decimal(18, 2)
        ) as own_eur
    from other_day
    inner join own_day
        on
            other_day.person_id = own_day.person_id
            and other_day.paid_service_code = own_day.paid_service_code
            and other_day.service_date >= own_day.first_date
            and other_day.service_date < own_day.end_date
    group by other_day.person_id, other_day.paid_service_code, other_day.service_date
),

paid as (
    select
        person_id,
        paid_service_code,
        service_date,
        voucher_eur,
        cast(0 as decimal(18, 2)) as own_eur,
        cast(0 as decimal(18, 2)) as invoice_eur
    from voucher
    union all
    select
        person_id,
        paid_service_code,
        service_date,
        cast(0 as decimal(18, 2)) as voucher_eur,
        own_eur,
        invoice_eur
    from single_day
    union all
    select
        person_id,
        paid_service_code,
        service_date,
        cast(0 as decimal(18, 2)) as voucher_eur,
        own_eur,
        cast(0 as decimal(18, 2)) as invoice_eur
    from period_day
),

final as (
    select
        person_id,
        paid_service_code,
        service_date,
        cast(sum(voucher_eur) as decimal(18, 2)) as voucher_eur,
        cast(sum(own_eur) as decimal(18, 2)) as own_eur,
        cast(sum(invoice_eur) as decimal(18, 2)) as invoice_eur
    from paid
    group by person_id, paid_service_code, service_date
    having
        case when sum(voucher_eur) > 0 then 1 else 0 end
        + case when sum(own_eur) > 0 then 1 else 0 end
        + case when sum(invoice_eur) > 0 then 1 else 0 end > 1
)

select
    person_id,
    paid_service_code,
    service_date,
    voucher_eur,
    own_eur,
    invoice_eur
from final
