-- grain: One row per quarter, field of clients, and their field a quarter on.
-- key: [quarter_start_date, need_code, capacity_code, next_need_code, next_capacity_code]
-- purpose: knowledge management
-- may_be_empty: the sources may not have begun to send
with
known as (
    select
        min(quarter_start_date) as first_date,
        max(quarter_start_date) as last_date
    from core.client_quarter
),

next_quarter as (
    select
        person_id,
        cast(quarter_start_date - interval 3 month as date) as quarter_start_date,
        need_code,
        capacity_code,
        cost_eur
    from core.client_quarter
),

-- Who used nothing in one of the two quarters is in no field of it.
walked as (
    select
        coalesce(client.quarter_start_date, next_quarter.quarter_start_date) as quarter_start_date,
        coalesce(client.need_code, 'none') as need_code,
        coalesce(client.capacity_code, 'none') as capacity_code,
        coalesce(next_quarter.need_code, 'none') as next_need_code,
        coalesce(next_quarter.capacity_code, 'none') as next_capacity_code,
        coalesce(client.cost_eur, 0) as cost_eur,
        coalesce(next_quarter.cost_eur, 0) as next_cost_eur
    from core.client_quarter as client
    full outer join next_quarter
        on
            client.person_id = next_quarter.person_id
            and client.quarter_start_date = next_quarter.quarter_start_date
),

final as (
    select
        walked.quarter_start_date,
        walked.need_code,
        walked.capacity_code,
        walked.next_need_code,
        walked.next_capacity_code,
        count(*) as person_count,
        cast(sum(walked.cost_eur) as decimal(18, 2)) as cost_eur,
        cast(sum(walked.next_cost_eur) as decimal(18, 2)) as next_cost_eur
    from walked
    -- Steps between two quarters that are known.
    cross join known
    where
        walked.quarter_start_date >= known.first_date
        and walked.quarter_start_date < known.last_date
    group by
        walked.quarter_start_date,
        walked.need_code,
        walked.capacity_code,
        walked.next_need_code,
        walked.next_capacity_code
)

select
    quarter_start_date,
    need_code,
    capacity_code,
    next_need_code,
    next_capacity_code,
    person_count,
    cost_eur,
    next_cost_eur
from final
