-- grain: One row per month from the first to the last that the population register covers.
-- key: [exposure_month]
-- may_be_empty: the register may not have been delivered
with
covered as (
    select
        min(covers_to_date) as first_date,
        max(covers_to_date) as last_date
    from effective.delivery
    where source = 'population_register' and table_name = 'residents'
),

final as (
    select
        cast(
            unnest(
                generate_series(
                    cast(date_trunc('month', first_date) as date), last_date, interval 1 month
                )
            ) as date
        ) as exposure_month
    from covered
)

select exposure_month
from final
