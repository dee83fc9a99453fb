-- For whom most is foreseen by the newest scores, but for those on whom guides have acted since.
with
newest as (
    select max(index_month) as index_month
    from risk.score
),

limit_in_force as (
    select arg_max(least_percentile, valid_from_date) as least_percentile
    from rulebook.guidance_list
    where list_code = 'risk'
),

settled as (
    select distinct
        outcome.person_id,
        outcome.target_code
    from core.guidance_outcome as outcome
    cross join newest
    where outcome.outcome_date >= newest.index_month
)

select
    score.person_id,
    score.target_code,
    score.index_month as index_date,
    score.probability,
    score.low_probability,
    score.high_probability,
    score.percentile,
    reason_1.name_fi as first_reason_fi,
    reason_2.name_fi as second_reason_fi,
    reason_3.name_fi as third_reason_fi
from risk.score as score
inner join newest on score.index_month = newest.index_month
inner join core.person as person on score.person_id = person.person_id
cross join limit_in_force
left join settled
    on score.person_id = settled.person_id and score.target_code = settled.target_code
left join rulebook.risk_reason as reason_1 on score.first_reason_code = reason_1.reason_code
left join rulebook.risk_reason as reason_2 on score.second_reason_code = reason_2.reason_code
left join rulebook.risk_reason as reason_3 on score.third_reason_code = reason_3.reason_code
where
    score.percentile >= cast(limit_in_force.least_percentile as double)
    and person.death_date is null
    and settled.person_id is null
order by score.target_code asc, score.percentile desc, score.person_id asc
