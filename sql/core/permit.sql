-- grain: One row per permit, site and service that it allows there, and span of dates it is held.
-- key: [permit_code, site_id, service_code, valid_from_date]
-- may_be_empty: there may be no private provider
select
    permit_code,
    site_id,
    service_code,
    authority_code,
    valid_from_date,
    valid_to_date
from current.permits
