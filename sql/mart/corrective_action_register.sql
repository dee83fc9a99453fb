-- grain: One row per corrective action of the expert team.
-- key: [action_id]
-- purpose: knowledge management
-- may_be_empty: the team may not have met
with
reached as (
    select max(covers_to_date) as reached_date
    from effective.delivery
    where source = 'enrolment_portal' and table_name = 'flags'
),

-- Flags on the same matter, three months before and after the action was agreed.
flagged as (
    select
        action.action_id,
        count(case when flag.raised_date < action.agreed_date then 1 end) as flag_before_count,
        count(case when flag.raised_date >= action.agreed_date then 1 end) as flag_after_count
    from core.corrective_action as action
    inner join core.flag as flag
        on action.provider_id = flag.provider_id and action.topic_code = flag.topic_code
    where
        flag.raised_date >= action.agreed_date - interval 3 month
        and flag.raised_date < action.agreed_date + interval 3 month
    group by action.action_id
),

-- All services of the provider together: an action is of none.
measured as (
    select
        provider_id,
        indicator_id,
        period_end_date,
        cast(
            round(
                cast(sum(numerator) as double) * max(multiplier) / nullif(sum(denominator), 0), 4
            ) as decimal(18, 4)
        ) as value
    from mart.indicator_value
    where state_code = 'measured' and not is_to_date
    group by provider_id, indicator_id, period_end_date
),

-- The indicator that should move: as it was when the action was agreed, and the newest since.
ordered as (
    select
        action.action_id,
        measured.value,
        measured.period_end_date < action.agreed_date as is_before,
        row_number() over (
            partition by action.action_id, measured.period_end_date < action.agreed_date
            order by measured.period_end_date desc
        ) as position
    from core.corrective_action as action
    inner join measured
        on
            action.provider_id = measured.provider_id
            and action.indicator_code = measured.indicator_id
),

moved as (
    select
        action_id,
        max(case when is_before then value end) as value_before,
        max(case when not is_before then value end) as value_after
    from ordered
    where position = 1
    group by action_id
),

final as (
    select
        action.action_id,
        action.provider_id,
        action.topic_code,
        action.indicator_code as indicator_id,
        action.flag_count,
        verification.verdict_code as flag_verdict_code,
        action.owner_role_code,
        action.agreed_date,
        action.due_date,
        action.action_state_code,
        action.followed_up_date,
        action.follow_up_code,
        action.is_conflict,
        action.solution_model_code,
        action.action_state_code in ('agreed', 'in_progress')
        and action.due_date < reached.reached_date as is_overdue,
        coalesce(flagged.flag_before_count, 0) as flag_before_count,
        coalesce(flagged.flag_after_count, 0) as flag_after_count,
        moved.value_before,
        moved.value_after,
        case
            when moved.value_before is null or moved.value_after is null then 'not_measured'
            when moved.value_after = moved.value_before then 'unchanged'
            when (moved.value_after > moved.value_before) = (indicator.direction_code = 'up')
                then 'better'
            else 'worse'
        end as movement_code
    from core.corrective_action as action
    cross join reached
    left join core.flag_verification as verification on action.flag_id = verification.flag_id
    left join rulebook.indicator as indicator on action.indicator_code = indicator.indicator_id
    left join flagged on action.action_id = flagged.action_id
    left join moved on action.action_id = moved.action_id
)

select
    action_id,
    provider_id,
    topic_code,
    indicator_id,
    flag_count,
    flag_verdict_code,
    owner_role_code,
    agreed_date,
    due_date,
    action_state_code,
    followed_up_date,
    follow_up_code,
    is_conflict,
    solution_model_code,
    is_overdue,
    flag_before_count,
    flag_after_count,
    value_before,
    value_after,
    movement_code
from final
