-- grain: One row per month of visit, clock, site and class of wait, over services and professions.
-- Of the twelve months before the newest one, and of it.
with
newest as (
    select max(visit_month) as visit_month
    from shelf.wait_by_unit
)

select
    wait.visit_month,
    wait.clock_code,
    wait.site_id,
    wait.provider_id,
    wait.wait_class_code,
    cast(sum(wait.visit_count) as bigint) as visit_count
from shelf.wait_by_unit as wait
inner join newest on wait.visit_month >= newest.visit_month - interval 12 month
group by
    wait.visit_month,
    wait.clock_code,
    wait.site_id,
    wait.provider_id,
    wait.wait_class_code
order by wait.visit_month, wait.clock_code, wait.site_id, wait.wait_class_code
