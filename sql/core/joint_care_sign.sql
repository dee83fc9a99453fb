-- grain: One row per client of health and social services, quarter and sign that joint care lacks.
-- key: [person_id, quarter_start_date, sign_code]
-- may_be_empty: the sources may not have begun to send
with
measured as (
    select
        person_id,
        quarter_start_date,
        'several_services' as sign_code,
        package_count as sign_value
    from core.client_integration
    union all
    select
        person_id,
        quarter_start_date,
        'several_organisations' as sign_code,
        organisation_count as sign_value
    from core.client_integration
    union all
    select
        person_id,
        quarter_start_date,
        'no_joint_plan' as sign_code,
        case when has_joint_plan then 0 else 1 end as sign_value
    from core.client_integration
    union all
    select
        person_id,
        quarter_start_date,
        'no_responsible' as sign_code,
        case when has_responsible then 0 else 1 end as sign_value
    from core.client_integration
    union all
    select
        person_id,
        quarter_start_date,
        'long_gap' as sign_code,
        longest_gap_days as sign_value
    from core.client_integration
),

sign as (
    select
        sign_code,
        least_value,
        sign_points
    from rulebook.joint_care_sign
    qualify row_number() over (partition by sign_code order by valid_from_date desc) = 1
),

final as (
    select
        measured.person_id,
        measured.quarter_start_date,
        measured.sign_code,
        cast(measured.sign_value as bigint) as sign_value,
        sign.sign_points
    from measured
    inner join sign on measured.sign_code = sign.sign_code
    where measured.sign_value >= sign.least_value
)

select
    person_id,
    quarter_start_date,
    sign_code,
    sign_value,
    sign_points
from final
