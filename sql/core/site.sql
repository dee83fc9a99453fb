-- grain: One row per place of business and span of dates in which what is said of it holds.
-- key: [site_id, valid_from_date]
select
    site_id,
    site_name,
    provider_id,
    sector_code,
    service_code,
    municipality_code,
    language_codes,
    valid_from_date,
    valid_to_date
from current.sites
