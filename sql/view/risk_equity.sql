-- grain: One row per target, trait of candidates and its value, of the newest window.
-- What happened over what was predicted: 1 where the model is as right of them as of all.
with
newest as (
    select
        target_code,
        max(index_month) as index_month
    from shelf.risk_measure
    group by target_code
),

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
    measure.group_kind_code as trait_code,
    measure.group_code as trait_value,
    max(measure.candidate_count) as candidate_count,
    max(measure.event_count) as event_count,
    max(case when measure.measure_code = 'observed_to_predicted' then measure.value end)
        as ratio_value,
    max(case when measure.measure_code = 'observed_to_predicted' then measure.low_value end)
        as ratio_low_value,
    max(case when measure.measure_code = 'observed_to_predicted' then measure.high_value end)
        as ratio_high_value,
    max(case when measure.measure_code = 'auroc' then measure.value end) as auroc_value
from shelf.risk_measure as measure
inner join newest_model as model
    on measure.model_id = model.model_id and measure.index_month = model.index_month
where measure.group_kind_code <> 'all'
group by
    measure.target_code, measure.index_month, measure.group_kind_code, measure.group_code
order by measure.target_code, measure.group_kind_code, measure.group_code
