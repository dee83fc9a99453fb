-- grain: One row per national unit cost and price year, from the newest list that states it.
-- key: [unit_cost_code, price_year]
-- may_be_empty: the published list may not have been delivered
with
stated as (
    select
        unit_cost_code,
        price_year,
        unit_cost_name,
        service_name,
        cost_unit_code,
        cost_eur,
        delivery_sequence,
        make_date(price_year, 1, 1) as valid_from_date
    from effective.unit_costs
    qualify
        row_number() over (
            partition by unit_cost_code, price_year order by delivery_sequence desc
        ) = 1
),

final as (
    select
        unit_cost_code,
        price_year,
        unit_cost_name,
        service_name,
        cost_unit_code,
        cost_eur,
        valid_from_date,
        -- In force until the next price year that the lists state.
        lead(valid_from_date) over (
            partition by unit_cost_code order by price_year
        ) as valid_to_date,
        delivery_sequence
    from stated
)

select
    unit_cost_code,
    price_year,
    unit_cost_name,
    service_name,
    cost_unit_code,
    cost_eur,
    valid_from_date,
    valid_to_date,
    delivery_sequence
from final
