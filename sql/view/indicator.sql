-- grain: One row per indicator.
select
    indicator_id,
    name_fi,
    name_sv,
    name_en,
    aim_code,
    unit_code,
    direction_code,
    minimum_denominator
from rulebook.indicator
order by indicator_id
