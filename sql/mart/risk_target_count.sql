-- grain: One row per target and index day, with candidates and what became of them within a year.
-- key: [target_code, index_month]
-- purpose: knowledge management
-- may_be_empty: the register may not have been delivered
with
-- On whom of the candidates a guide acted within the horizon: a label that comes back.
acted as (
    select distinct
        index_day.index_month,
        outcome.person_id,
        outcome.target_code
    from core.guidance_outcome as outcome
    inner join core.risk_index_month as index_day
        on
            outcome.outcome_date >= index_day.index_month
            and outcome.outcome_date < index_day.horizon_end_month
    where outcome.is_acted_on
),

final as (
    select
        outcome.target_code,
        outcome.index_month,
        index_day.window_code,
        index_day.is_covered,
        count(*) as candidate_count,
        count(*) filter (where outcome.outcome_code = 'event') as event_count,
        count(*) filter (where outcome.outcome_code = 'died') as died_count,
        count(*) filter (where outcome.outcome_code = 'moved') as moved_count,
        count(acted.person_id) as acted_on_count,
        count(acted.person_id) filter (where outcome.outcome_code = 'event')
            as acted_on_event_count
    from core.risk_outcome as outcome
    inner join core.risk_index_month as index_day
        on outcome.index_month = index_day.index_month
    left join acted
        on
            outcome.index_month = acted.index_month
            and outcome.person_id = acted.person_id
            and outcome.target_code = acted.target_code
    group by
        outcome.target_code, outcome.index_month, index_day.window_code, index_day.is_covered
)

select
    target_code,
    index_month,
    window_code,
    is_covered,
    candidate_count,
    event_count,
    died_count,
    moved_count,
    acted_on_count,
    acted_on_event_count
from final
