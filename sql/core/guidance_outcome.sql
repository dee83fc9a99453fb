-- grain: One row per client of a list delivered to guidance and target, with what came of it.
-- key: [outcome_id]
-- may_be_empty: no list may have been delivered
with
final as (
    select
        outcomes.outcome_id,
        outcomes.delivery_code,
        coalesce(person_alias.person_id, outcomes.person_id) as person_id,
        outcomes.target_code,
        outcomes.item_code,
        outcomes.guide_code,
        outcomes.is_acted_on,
        outcomes.outcome_code,
        outcomes.outcome_date,
        outcomes.delivery_sequence,
        outcomes.record_number
    from current.outcomes as outcomes
    left join core.person_alias as person_alias
        on outcomes.person_id = person_alias.alias_person_id
)

select
    outcome_id,
    delivery_code,
    person_id,
    target_code,
    item_code,
    guide_code,
    is_acted_on,
    outcome_code,
    outcome_date,
    delivery_sequence,
    record_number
from final
