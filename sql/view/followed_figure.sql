-- grain: One row per baseline, goal or published figure of a measure and unit, and its days.
select
    followed_code,
    nullif(unit_id, 'all') as unit_id,
    figure_kind_code,
    from_date,
    to_date,
    form_code,
    unit_code,
    printed_value,
    measured_value,
    measured_to_date,
    measured_state_code,
    is_reached
from shelf.followed_figure
order by followed_code, figure_kind_code, unit_id, from_date
