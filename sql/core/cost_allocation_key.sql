-- grain: One row per cost centre, service class and span of months in which its share holds.
-- key: [cost_centre_code, service_class_code, valid_from_date]
-- may_be_empty: the source may not have begun to send
select
    cost_centre_code,
    cost_centre_name,
    site_id,
    service_class_code,
    share,
    is_overhead,
    valid_from_date,
    valid_to_date
from current.cost_centre_map
