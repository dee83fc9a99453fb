-- grain: One row per quarter and chain of services; all clients are a chain too.
-- key: [quarter_start_date, chain_code]
-- purpose: knowledge management
-- may_be_empty: the sources may not have begun to send
with
described as (
    select
        client.person_id,
        client.quarter_start_date,
        client.health_cost_eur,
        client.social_cost_eur,
        client.elderly_cost_eur,
        client.cost_eur,
        client.is_multi_service,
        integration.organisation_count,
        integration.step_count,
        integration.gap_days as step_days,
        integration.plan_count,
        integration.has_joint_plan,
        integration.has_responsible
    from core.client_quarter as client
    left join core.client_integration as integration
        on
            client.person_id = integration.person_id
            and client.quarter_start_date = integration.quarter_start_date
),

chained as (
    select
        'all' as chain_code,
        described.*
    from described
    union all
    select
        chain_client.chain_code,
        described.*
    from described
    inner join core.chain_client as chain_client
        on
            described.person_id = chain_client.person_id
            and described.quarter_start_date = chain_client.quarter_start_date
),

counted as (
    select
        quarter_start_date,
        chain_code,
        count(*) as client_count,
        count(case when is_multi_service then 1 end) as multi_service_count,
        sum(organisation_count) as organisation_count,
        count(organisation_count) as served_count,
        sum(step_count) as step_count,
        sum(step_days) as step_days,
        sum(plan_count) as plan_count,
        count(case when has_joint_plan then 1 end) as joint_plan_count,
        count(case when has_responsible then 1 end) as responsible_count,
        sum(health_cost_eur) as health_cost_eur,
        sum(social_cost_eur) as social_cost_eur,
        sum(elderly_cost_eur) as elderly_cost_eur,
        sum(cost_eur) as cost_eur
    from chained
    group by quarter_start_date, chain_code
),

outcome as (
    select
        response_quarter as quarter_start_date,
        case when group_kind_code = 'all' then 'all' else group_code end as chain_code,
        max(case when instrument_code = 'PROMIS-10' and scale_code = 'physical' then score_mean end)
            as promis_physical_mean,
        max(case when instrument_code = 'PROMIS-10' and scale_code = 'mental' then score_mean end)
            as promis_mental_mean,
        max(case when instrument_code = 'WHODAS-12' then score_mean end) as whodas_mean
    from mart.patient_reported_outcome
    where group_kind_code in ('all', 'chain')
    group by response_quarter, case when group_kind_code = 'all' then 'all' else group_code end
),

-- Means and shares are of clients with several services, euros of all the chain's clients.
final as (
    select
        counted.quarter_start_date,
        counted.chain_code,
        counted.client_count,
        counted.multi_service_count,
        cast(
            round(cast(counted.organisation_count as double) / nullif(counted.served_count, 0), 2)
            as decimal(9, 2)
        ) as organisation_mean,
        cast(
            round(
                cast(coalesce(counted.plan_count, 0) as double)
                / nullif(counted.multi_service_count, 0), 2
            ) as decimal(9, 2)
        ) as plan_mean,
        counted.joint_plan_count,
        counted.responsible_count,
        cast(counted.step_count as bigint) as step_count,
        cast(
            round(cast(counted.step_days as double) / nullif(counted.step_count, 0), 2)
            as decimal(9, 2)
        ) as step_days_mean,
        cast(counted.health_cost_eur as decimal(18, 2)) as health_cost_eur,
        cast(counted.social_cost_eur as decimal(18, 2)) as social_cost_eur,
        cast(counted.elderly_cost_eur as decimal(18, 2)) as elderly_cost_eur,
        cast(counted.cost_eur as decimal(18, 2)) as cost_eur,
        outcome.promis_physical_mean,
        outcome.promis_mental_mean,
        outcome.whodas_mean
    from counted
    left join outcome
        on
            counted.quarter_start_date = outcome.quarter_start_date
            and counted.chain_code = outcome.chain_code
)

select
    quarter_start_date,
    chain_code,
    client_count,
    multi_service_count,
    organisation_mean,
    plan_mean,
    joint_plan_count,
    responsible_count,
    step_count,
    step_days_mean,
    health_cost_eur,
    social_cost_eur,
    elderly_cost_eur,
    cost_eur,
    promis_physical_mean,
    promis_mental_mean,
    whodas_mean
from final
