-- grain: One row per place of business, under its newest name.
select
    site_id,
    arg_max(site_name, valid_from_date) as site_name
from shelf.site
group by site_id
order by site_id
