-- grain: One row per month of visit, clock, site and class of wait, over services and professions.
-- Classes of waits that were found unfit are shown apart, for they tell nothing of how long anybody
-- waited. Of the twelve months before the newest one, and of it.
with
newest as (
    select max(visit_month) as visit_month
    from shelf.wait_by_unit
),

shown as (
    select
        visit_month,
        clock_code,
        site_id,
        provider_id,
        case when is_unfit then 'unfit' else wait_class_code end as wait_class_code,
        visit_count
    from shelf.wait_by_unit
)

select
    wait.visit_month,
    wait.clock_code,
    wait.site_id,
    wait.provider_id,
    wait.wait_class_code,
    cast(sum(wait.visit_count) as bigint) as visit_count
from shown as wait
inner join newest on wait.visit_month >= newest.visit_month - interval 12 month
group by
    wait.visit_month,
    wait.clock_code,
    wait.site_id,
    wait.provider_id,
    wait.wait_class_code
order by wait.visit_month, wait.clock_code, wait.site_id, wait.wait_class_code
