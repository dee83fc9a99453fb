-- grain: One row per target and class of predicted risk, of the newest window.
with
newest as (
    select *
    from shelf.risk_curve
    qualify dense_rank() over (
        partition by target_code order by index_month desc, model_id desc
    ) = 1
)

select
    target_code,
    index_month,
    x_value as predicted_share,
    y_value as observed_share,
    candidate_count
from newest
where curve_code = 'calibration'
order by target_code, point_number
