-- grain: One row per provider, service, indicator and period.
-- The floor and target in force when the period began.
with
period as (
    select distinct period_start_date
    from shelf.indicator_value
),

scale as (
    select
        period.period_start_date,
        scale.indicator_id,
        arg_max(scale.floor_value, scale.valid_from_date) as floor_value,
        arg_max(scale.target_value, scale.valid_from_date) as target_value
    from rulebook.indicator_scale as scale
    inner join period on scale.valid_from_date <= period.period_start_date
    group by period.period_start_date, scale.indicator_id
)

select
    value.provider_id,
    value.service_code,
    value.indicator_id,
    value.period_start_date,
    value.period_end_date,
    value.is_to_date,
    value.denominator,
    value.value,
    value.lower_value,
    value.upper_value,
    scale.floor_value,
    scale.target_value,
    value.state_code,
    value.reporter_code
from shelf.indicator_value as value
left join scale
    on
        value.indicator_id = scale.indicator_id
        and value.period_start_date = scale.period_start_date
order by value.indicator_id, value.period_start_date, value.provider_id, value.service_code
