-- One row per month and task with guides' minutes of the pilot month; it is of no client or guide.
select
    cast(date_trunc('month', spent.worked_date) as date) as worked_month,
    spent.task_code,
    count(distinct spent.guide_code) as guide_count,
    cast(sum(spent.worked_minutes) as bigint) as worked_minutes
from core.guidance_worker_time as spent
group by cast(date_trunc('month', spent.worked_date) as date), spent.task_code
