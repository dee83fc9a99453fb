-- grain: One row per target and index day, with candidates and what became of them within a year.
-- key: [target_code, index_month]
-- purpose: knowledge management
-- may_be_empty: the register may not have been delivered
with
final as (
    select
        outcome.target_code,
        outcome.index_month,
        index_day.window_code,
        index_day.is_covered,
        count(*) as candidate_count,
        count(*) filter (where outcome.outcome_code = 'event') as event_count,
        count(*) filter (where outcome.outcome_code = 'died') as died_count,
        count(*) filter (where outcome.outcome_code = 'moved') as moved_count
    from core.risk_outcome as outcome
    inner join core.risk_index_month as index_day
        on outcome.index_month = index_day.index_month
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
    moved_count
from final
