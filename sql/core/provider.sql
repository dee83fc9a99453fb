-- grain: One row per provider.
-- key: [provider_id]
with
provider as (
    select
        provider_id,
        arg_max_null(provider_name, valid_from_date) as provider_name,
        arg_max_null(business_id, valid_from_date) as business_id,
        arg_max_null(sector_code, valid_from_date) as sector_code,
        min(valid_from_date) as first_site_from_date,
        count(distinct site_id) as site_count
    from current.sites
    group by provider_id
)

select
    provider_id,
    provider_name,
    business_id,
    sector_code,
    first_site_from_date,
    site_count
from provider
