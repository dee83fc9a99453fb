-- grain: One row per target and index day whose horizon is over.
select
    target_code,
    index_month,
    candidate_count,
    event_count,
    cast(100 * cast(event_count as double) / nullif(candidate_count, 0) as decimal(18, 2))
        as event_pct,
    died_count,
    moved_count
from shelf.risk_target_count
where is_covered
order by target_code, index_month
