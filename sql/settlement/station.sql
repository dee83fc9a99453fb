-- The public provider of each municipality, whose list holds those who chose nobody; its site too
-- where it has only one.
select
    month.list_month,
    site.municipality_code,
    min(site.provider_id) as provider_id,
    case when count(distinct site.site_id) = 1 then min(site.site_id) end as site_id
from core.site as site
inner join settle.month as month
    on
        site.valid_from_date < month.end_date
        and (site.valid_to_date is null or site.valid_to_date > month.list_month)
where site.service_code = $service_code and site.sector_code = 'public'
group by month.list_month, site.municipality_code
