-- grain: One row per target, predictor and measure, of the newest window, over all candidates.
with
newest as (
    select
        target_code,
        max(index_month) as index_month
    from shelf.risk_measure
    group by target_code
),

-- Of several models tried on one window the one that was trained last in order of their ids.
newest_model as (
    select
        measure.target_code,
        measure.index_month,
        max(measure.model_id) as model_id
    from shelf.risk_measure as measure
    inner join newest
        on
            measure.target_code = newest.target_code
            and measure.index_month = newest.index_month
    group by measure.target_code, measure.index_month
)

select
    measure.target_code,
    measure.index_month,
    measure.measure_code,
    measure.predictor_code,
    measure.value as measure_value,
    measure.low_value,
    measure.high_value,
    measure.candidate_count,
    measure.event_count
from shelf.risk_measure as measure
inner join newest_model as model
    on measure.model_id = model.model_id and measure.index_month = model.index_month
where measure.group_kind_code = 'all'
order by measure.target_code, measure.measure_code, measure.predictor_code
