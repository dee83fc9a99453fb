-- grain: One row per quarter and sign that joint care lacks; any stands for one or more of them.
-- key: [quarter_start_date, sign_code]
-- purpose: knowledge management
-- may_be_empty: the sources may not have begun to send
with
client as (
    select
        quarter_start_date,
        count(*) as multi_service_count
    from core.client_integration
    group by quarter_start_date
),

signed as (
    select
        quarter_start_date,
        sign_code,
        count(*) as sign_client_count
    from core.joint_care_sign
    group by quarter_start_date, sign_code
    union all
    select
        quarter_start_date,
        'any' as sign_code,
        count(distinct person_id) as sign_client_count
    from core.joint_care_sign
    group by quarter_start_date
),

final as (
    select
        signed.quarter_start_date,
        signed.sign_code,
        client.multi_service_count,
        signed.sign_client_count
    from signed
    -- Signs are of clients counted here: the join loses none.
    inner join client on signed.quarter_start_date = client.quarter_start_date
)

select
    quarter_start_date,
    sign_code,
    multi_service_count,
    sign_client_count
from final
