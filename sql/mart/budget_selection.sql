-- grain: One row per day of choice, client group, and person who may be offered a budget then.
-- key: [selected_date, client_group_code, person_id]
-- purpose: client work
-- may_be_empty: no day of choice may have come
with
-- The greatest need first; of like need the one who used most; then a draw that anyone can repeat.
ranked as (
    select
        *,
        row_number() over (
            partition by selected_date, client_group_code
            order by
                need_points desc,
                prior_use_eur desc,
                md5(concat(cast(selected_date as varchar), ':', cast(person_id as varchar))) asc
        ) as need_rank,
        count(*) over (partition by selected_date, client_group_code) as candidate_count
    from core.budget_candidate
),

-- At most half, so that each has a control: those who come next, whose need is the nearest.
armed as (
    select
        *,
        least(place_count, candidate_count // 2) as chosen_count,
        case
            when need_rank <= least(place_count, candidate_count // 2) then 'chosen'
            when need_rank <= 2 * least(place_count, candidate_count // 2) then 'control'
            else 'candidate'
        end as arm_code
    from ranked
),

-- In the order of prior use in each arm: no other pairs of the same persons are nearer on it.
final as (
    select
        selected_date,
        client_group_code,
        person_id,
        need_points,
        prior_use_eur,
        sex_code,
        age_years,
        cast(need_rank as integer) as need_rank,
        arm_code,
        case
            when arm_code <> 'candidate'
                then
                    cast(
                        row_number() over (
                            partition by selected_date, client_group_code, arm_code
                            order by prior_use_eur asc, need_rank asc
                        ) as integer
                    )
        end as pair_number
    from armed
)

select
    selected_date,
    client_group_code,
    person_id,
    need_points,
    prior_use_eur,
    sex_code,
    age_years,
    need_rank,
    arm_code,
    pair_number
from final
