-- grain: One row per quarter, chain (all clients too), field of the segmentation and heavy use.
-- key: [quarter_start_date, chain_code, need_code, capacity_code, is_heavy_user]
-- purpose: knowledge management
-- may_be_empty: the sources may not have begun to send
with
chained as (
    select
        client.quarter_start_date,
        'all' as chain_code,
        client.need_code,
        client.capacity_code,
        client.is_heavy_user,
        client.is_multi_service,
        client.cost_eur
    from core.client_quarter as client
    union all
    select
        client.quarter_start_date,
        chain_client.chain_code,
        client.need_code,
        client.capacity_code,
        client.is_heavy_user,
        client.is_multi_service,
        client.cost_eur
    from core.client_quarter as client
    inner join core.chain_client as chain_client
        on
            client.person_id = chain_client.person_id
            and client.quarter_start_date = chain_client.quarter_start_date
),

final as (
    select
        quarter_start_date,
        chain_code,
        need_code,
        capacity_code,
        is_heavy_user,
        count(*) as person_count,
        count(case when is_multi_service then 1 end) as multi_service_count,
        cast(sum(cost_eur) as decimal(18, 2)) as cost_eur
    from chained
    group by quarter_start_date, chain_code, need_code, capacity_code, is_heavy_user
)

select
    quarter_start_date,
    chain_code,
    need_code,
    capacity_code,
    is_heavy_user,
    person_count,
    multi_service_count,
    cost_eur
from final
