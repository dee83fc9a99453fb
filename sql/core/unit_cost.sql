-- grain: One row per costed service or national unit cost, calendar year and source of the cost.
-- key: [cost_source_code, price_code, calendar_year]
-- may_be_empty: the ledger and the national list may not have been delivered
with
activity as (
    select
        *,
        cast(year(activity_month) as integer) as calendar_year
    from core.costed_activity
),

-- The classification in force in a year: that in which its ledger is kept.
in_force as (
    select distinct
        classification_code,
        service_class_code,
        valid_from_date,
        coalesce(valid_to_date, date '9999-12-31') as valid_to_date
    from core.service_class
),

ledger_month as (
    select distinct ledger_month
    from core.ledger_allocation
),

allocated as (
    select
        cast(year(ledger_allocation.ledger_month) as integer) as calendar_year,
        ledger_allocation.classification_code,
        ledger_allocation.service_class_code,
        cast(sum(ledger_allocation.amount_eur) as decimal(18, 2)) as allocated_eur
    from core.ledger_allocation as ledger_allocation
    inner join in_force
        on
            ledger_allocation.classification_code = in_force.classification_code
            and ledger_allocation.service_class_code = in_force.service_class_code
            and ledger_allocation.ledger_month >= in_force.valid_from_date
            and ledger_allocation.ledger_month < in_force.valid_to_date
    group by
        year(ledger_allocation.ledger_month),
        ledger_allocation.classification_code,
        ledger_allocation.service_class_code
),

-- Activity of months without a ledger has no euros to share.
service as (
    select
        activity.calendar_year,
        in_force.classification_code,
        in_force.service_class_code,
        activity.costed_service_code,
        activity.cost_unit_code,
        activity.weight,
        cast(sum(activity.quantity) as decimal(18, 4)) as quantity
    from activity
    inner join ledger_month on activity.activity_month = ledger_month.ledger_month
    inner join in_force
        on
            in_force.service_class_code in (activity.package_class_code, activity.aura_class_code)
            and activity.activity_month >= in_force.valid_from_date
            and activity.activity_month < in_force.valid_to_date
    where activity.is_own_costed
    group by
        activity.calendar_year,
        in_force.classification_code,
        in_force.service_class_code,
        activity.costed_service_code,
        activity.cost_unit_code,
        activity.weight
),

weighed as (
    select
        *,
        cast(
            sum(quantity * weight) over (
                partition by calendar_year, classification_code, service_class_code
            ) as decimal(18, 4)
        ) as class_quantity
    from service
),

-- The class's euros by weight, rounded half up to a cent at this one step, in whole numbers:
-- cents x weight / quantity, the weight in thousandths and the quantity in ten-thousandths.
own as (
    select
        'own' as cost_source_code,
        weighed.costed_service_code as price_code,
        weighed.calendar_year,
        weighed.classification_code,
        weighed.service_class_code,
        weighed.cost_unit_code,
        weighed.weight,
        weighed.quantity,
        weighed.class_quantity,
        allocated.allocated_eur,
        cast(
            (
                cast(allocated.allocated_eur * 100 as bigint)
                * cast(weighed.weight * 1000 as bigint)
                * 20
                + cast(weighed.class_quantity * 10000 as bigint)
            ) // (cast(weighed.class_quantity * 10000 as bigint) * 2) * 0.01 as decimal(18, 2)
        ) as unit_cost_eur
    from weighed
    inner join allocated
        on
            weighed.calendar_year = allocated.calendar_year
            and weighed.classification_code = allocated.classification_code
            and weighed.service_class_code = allocated.service_class_code
    -- A class without euros, or with more reversed than spent, has no unit cost of its own.
    where weighed.class_quantity > 0 and allocated.allocated_eur > 0
),

used as (
    select
        calendar_year,
        unit_cost_code,
        sum(event_count) as event_count,
        sum(day_quantity) as day_quantity,
        sum(hour_quantity) as hour_quantity,
        sum(cast(day_quantity as double) / day(last_day(activity_month))) as month_quantity
    from activity
    where unit_cost_code is not null
    group by calendar_year, unit_cost_code
),

-- The newest price not after the year; before the first price, the first.
national as (
    select
        'national' as cost_source_code,
        used.unit_cost_code as price_code,
        used.calendar_year,
        cast(null as varchar) as classification_code,
        cast(null as varchar) as service_class_code,
        national_unit_cost.cost_unit_code,
        cast(null as decimal(9, 3)) as weight,
        cast(
            case national_unit_cost.cost_unit_code
                when 'day' then used.day_quantity
                when 'hour' then used.hour_quantity
                when 'month' then round(used.month_quantity, 4)
                else used.event_count
            end as decimal(18, 4)
        ) as quantity,
        cast(null as decimal(18, 4)) as class_quantity,
        cast(null as decimal(18, 2)) as allocated_eur,
        national_unit_cost.cost_eur as unit_cost_eur
    from used
    inner join core.national_unit_cost as national_unit_cost
        on used.unit_cost_code = national_unit_cost.unit_cost_code
    qualify row_number() over (
        partition by used.unit_cost_code, used.calendar_year
        order by
            case when national_unit_cost.price_year <= used.calendar_year then 0 else 1 end asc,
            abs(used.calendar_year - national_unit_cost.price_year) asc
    ) = 1
),

final as (
    select * from own
    union all
    select * from national
)

select
    cost_source_code,
    price_code,
    calendar_year,
    classification_code,
    service_class_code,
    cost_unit_code,
    weight,
    quantity,
    class_quantity,
    allocated_eur,
    unit_cost_eur
from final
