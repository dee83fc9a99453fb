-- The public provider of each municipality, whose list holds those who chose nobody; its site too
-- where it has only one.
select
    municipality_code,
    min(provider_id) as provider_id,
    case when count(distinct site_id) = 1 then min(site_id) end as site_id
from core.site
where
    service_code = $service_code
    and sector_code = 'public'
    and valid_from_date < $end_date
    and (valid_to_date is null or valid_to_date > $list_month)
group by municipality_code
