-- grain: One row per client of a chain of services and quarter.
-- key: [chain_code, person_id, quarter_start_date]
-- may_be_empty: the sources may not have begun to send
with
quarter as (
    select distinct
        cast(date_trunc('quarter', exposure_month) as date) as quarter_start_date,
        cast(date_trunc('quarter', exposure_month) + interval 3 month as date) as next_quarter_date
    from core.register_month
),

by_service as (
    select
        chain.chain_code,
        period.person_id,
        quarter.quarter_start_date
    from core.service_period as period
    inner join rulebook.service_chain as chain
        on period.client_group_code = chain.basis_value_code and chain.basis_code = 'client_group'
    inner join quarter
        on
            period.started_date < quarter.next_quarter_date
            and (period.ended_date is null or period.ended_date >= quarter.quarter_start_date)
    -- A carer's row tells of the carer; the cared person has one of their own.
    where not period.is_carer
),

by_diagnosis as (
    select
        chain.chain_code,
        morbidity.person_id,
        quarter.quarter_start_date
    from core.morbidity as morbidity
    inner join rulebook.service_chain as chain
        on
            morbidity.morbidity_group_code = chain.basis_value_code
            and chain.basis_code = 'morbidity'
    inner join quarter
        on
            morbidity.diagnosis_quarter <= quarter.quarter_start_date
            and morbidity.diagnosis_quarter > quarter.quarter_start_date - interval 24 month
),

final as (
    select
        chain_code,
        person_id,
        quarter_start_date
    from by_service
    union
    select
        chain_code,
        person_id,
        quarter_start_date
    from by_diagnosis
)

select
    chain_code,
    person_id,
    quarter_start_date
from final
