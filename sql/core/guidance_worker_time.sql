-- grain: One row per client guide, day and task of the pilot month, with the minutes reported.
-- key: [guide_code, worked_date, task_code]
-- may_be_empty: the pilot month may not have come
select
    worker_time.guide_code,
    worker_time.worked_date,
    worker_time.task_code,
    worker_time.worked_minutes,
    worker_time.delivery_sequence,
    worker_time.record_number
from current.worker_time as worker_time
