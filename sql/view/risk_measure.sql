-- grain: One row per target, predictor and measure, of the newest window, over all candidates.
with
-- Of several models tried on one window the one that was trained last in order of their ids.
newest as (
    select *
    from shelf.risk_measure
    qualify dense_rank() over (
        partition by target_code order by index_month desc, model_id desc
    ) = 1
)

select
    target_code,
    index_month,
    measure_code,
    predictor_code,
    value as measure_value,
    low_value,
    high_value,
    candidate_count,
    event_count
from newest
where group_kind_code = 'all'
order by target_code, measure_code, predictor_code
