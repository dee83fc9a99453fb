-- grain: One row per target, trait of candidates and its value, of the newest window.
-- What happened over what was predicted: 1 where the model is as right of them as of all.
with
newest as (
    select *
    from shelf.risk_measure
    qualify dense_rank() over (
        partition by target_code order by index_month desc, model_id desc
    ) = 1
),

described as (
    select
        target_code,
        index_month,
        group_kind_code as trait_code,
        group_code as trait_value,
        max(candidate_count) as candidate_count,
        max(event_count) as event_count,
        max(case when measure_code = 'observed_to_predicted' then value end) as ratio_value,
        max(case when measure_code = 'observed_to_predicted' then low_value end)
            as ratio_low_value,
        max(case when measure_code = 'observed_to_predicted' then high_value end)
            as ratio_high_value,
        max(case when measure_code = 'is_flagged' then value end) as flag_value,
        max(case when measure_code = 'auroc' then value end) as auroc_value
    from newest
    where group_kind_code not in ('all', 'guidance')
    group by target_code, index_month, group_kind_code, group_code
)

select
    target_code,
    index_month,
    trait_code,
    trait_value,
    candidate_count,
    event_count,
    ratio_value,
    ratio_low_value,
    ratio_high_value,
    case
        when flag_value is null then 'too_few'
        when flag_value = 1 then 'flagged'
        else 'within'
    end as calibration_state_code,
    auroc_value
from described
order by target_code, trait_code, trait_value
