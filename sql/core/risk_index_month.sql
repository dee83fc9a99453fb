-- grain: One row per index day of the risk models, the first of its month.
-- key: [index_month]
-- may_be_empty: the register may not have been delivered
with
rule as (
    select
        every_months,
        horizon_months,
        lookback_months,
        least_history_months,
        training_count
    from rulebook.risk_window
),

covered as (
    select
        min(exposure_month) as first_month,
        cast(max(exposure_month) + interval 1 month as date) as newest_month
    from core.register_month
),

-- Days of the calendar's grid whose whole horizon the register covers.
past as (
    select
        register_month.exposure_month as index_month,
        covered.first_month,
        covered.newest_month
    from core.register_month as register_month
    cross join covered
    cross join rule
    where
        (month(register_month.exposure_month) - 1) % rule.every_months = 0
        and register_month.exposure_month + to_months(rule.horizon_months)
        <= covered.newest_month
        and covered.first_month + to_months(rule.least_history_months)
        <= register_month.exposure_month
),

test as (
    select max(index_month) as index_month
    from past
),

-- What a model is calibrated by had all happened when the test begins.
calibrate as (
    select max(past.index_month) as index_month
    from past
    cross join test
    cross join rule
    where past.index_month + to_months(rule.horizon_months) <= test.index_month
),

train as (
    select
        past.index_month,
        row_number() over (order by past.index_month desc) as recency
    from past
    cross join calibrate
    where past.index_month < calibrate.index_month
),

role as (
    select
        newest_month as index_month,
        'score' as window_code
    from covered
    where newest_month is not null
    union all
    select
        index_month,
        'test' as window_code
    from test
    where index_month is not null
    union all
    select
        index_month,
        'calibrate' as window_code
    from calibrate
    where index_month is not null
    union all
    select
        train.index_month,
        'train' as window_code
    from train
    cross join rule
    where train.recency <= rule.training_count
),

final as (
    select
        role.index_month,
        role.window_code,
        greatest(
            cast(role.index_month - to_months(rule.lookback_months) as date), covered.first_month
        ) as history_from_month,
        cast(role.index_month + to_months(rule.horizon_months) as date) as horizon_end_month,
        role.index_month + to_months(rule.horizon_months) <= covered.newest_month as is_covered
    from role
    cross join rule
    cross join covered
)

select
    index_month,
    window_code,
    history_from_month,
    horizon_end_month,
    is_covered
from final
