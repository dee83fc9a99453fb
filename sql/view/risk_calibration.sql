-- grain: One row per target and class of predicted risk, of the newest window.
with
newest as (
    select
        target_code,
        max(index_month) as index_month
    from shelf.risk_curve
    group by target_code
),

newest_model as (
    select
        curve.target_code,
        curve.index_month,
        max(curve.model_id) as model_id
    from shelf.risk_curve as curve
    inner join newest
        on curve.target_code = newest.target_code and curve.index_month = newest.index_month
    group by curve.target_code, curve.index_month
)

select
    curve.target_code,
    curve.index_month,
    curve.x_value as predicted_share,
    curve.y_value as observed_share,
    curve.candidate_count
from shelf.risk_curve as curve
inner join newest_model as model
    on curve.model_id = model.model_id and curve.index_month = model.index_month
where curve.curve_code = 'calibration'
order by curve.target_code, curve.point_number
