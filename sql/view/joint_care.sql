-- grain: One row per quarter and sign that joint care lacks.
select
    quarter_start_date,
    sign_code,
    multi_service_count,
    sign_client_count,
    cast(
        100 * cast(sign_client_count as double) / nullif(multi_service_count, 0)
        as decimal(18, 2)
    ) as sign_pct
from shelf.joint_care_count
order by quarter_start_date, sign_code
