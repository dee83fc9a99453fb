-- grain: One row per municipality.
select
    municipality_code,
    name_fi,
    name_sv
from shelf.municipality
order by municipality_code
