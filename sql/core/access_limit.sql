-- grain: One row per legal limit of waiting, by guarantee, reason and age, and span it is in force.
-- key: [limit_id, valid_from_date]
select
    limit_id,
    guarantee_code,
    reason_code,
    from_age_years,
    to_age_years,
    limit_count,
    limit_unit_code,
    clock_from_code,
    clock_to_code,
    legal_basis,
    valid_from_date,
    valid_to_date
from current.access_limits
