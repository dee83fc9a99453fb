-- grain: One row per postal code and span of dates in which what is said of it holds.
-- key: [postal_code, valid_from_date]
select
    postal_code,
    name_fi,
    municipality_code,
    valid_from_date,
    valid_to_date
from current.postal_codes
