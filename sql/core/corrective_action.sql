-- grain: One row per corrective action of the expert team, in its newest version.
-- key: [action_id]
-- may_be_empty: the team may not have met
with
final as (
    select
        corrective_actions.action_id,
        corrective_actions.flag_id,
        corrective_actions.flag_count,
        corrective_actions.indicator_code,
        corrective_actions.provider_id,
        corrective_actions.topic_code,
        corrective_actions.owner_role_code,
        corrective_actions.agreed_date,
        corrective_actions.due_date,
        corrective_actions.action_state_code,
        corrective_actions.followed_up_date,
        corrective_actions.follow_up_code,
        corrective_actions.is_conflict,
        corrective_actions.solution_model_code,
        corrective_actions.delivery_sequence,
        corrective_actions.record_number
    from current.corrective_actions as corrective_actions
    left join core.flag as flag on corrective_actions.flag_id = flag.flag_id
    -- An action on a flag nobody knows waits in core.unresolved; some rest on an indicator.
    where corrective_actions.flag_id is null or flag.flag_id is not null
)

select
    action_id,
    flag_id,
    flag_count,
    indicator_code,
    provider_id,
    topic_code,
    owner_role_code,
    agreed_date,
    due_date,
    action_state_code,
    followed_up_date,
    follow_up_code,
    is_conflict,
    solution_model_code,
    delivery_sequence,
    record_number
from final
