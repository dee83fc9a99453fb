-- grain: One row per quarter and chain of services; all clients are a chain too.
-- key: [quarter_start_date, chain_code]
-- purpose: knowledge management
-- may_be_empty: the sources may not have begun to send
with
client as (
    select
        person_id,
        quarter_start_date,
        cast(quarter_start_date + interval 3 month as date) as next_quarter_date,
        health_cost_eur,
        social_cost_eur,
        elderly_cost_eur,
        cost_eur,
        is_multi_service
    from core.client_quarter
),

-- Those whose health and social services are to be brought together.
multi_service as (
    select
        person_id,
        quarter_start_date,
        next_quarter_date
    from client
    where is_multi_service
),

-- Their days of service by organisation; what is the organiser's own has no other name. Places of
-- persons under a protection order are not known: their days are of no organisation.
service_day as (
    select distinct
        encounter.person_id,
        encounter.encounter_date as service_date,
        site_month.provider_id as organisation_id
    from core.encounter as encounter
    inner join multi_service
        on
            encounter.person_id = multi_service.person_id
            and cast(date_trunc('quarter', encounter.encounter_month) as date)
            = multi_service.quarter_start_date
    inner join core.site_month as site_month
        on
            encounter.site_id = site_month.site_id
            and encounter.encounter_month = site_month.calendar_month
    union
    select
        episode.person_id,
        episode.episode_date as service_date,
        'hospital' as organisation_id
    from core.hospital_episode as episode
    inner join multi_service
        on
            episode.person_id = multi_service.person_id
            and cast(date_trunc('quarter', episode.episode_month) as date)
            = multi_service.quarter_start_date
    where episode.unit_code is not null
    union
    select
        service_month.person_id,
        service_month.service_date,
        coalesce(period.provider_id, 'organiser') as organisation_id
    from core.service_period_month as service_month
    inner join core.service_period as period
        on service_month.service_period_id = period.service_period_id
    inner join multi_service
        on
            service_month.person_id = multi_service.person_id
            and cast(date_trunc('quarter', service_month.service_month) as date)
            = multi_service.quarter_start_date
    union
    select
        voucher.person_id,
        voucher.service_date,
        voucher.voucher_provider_id as organisation_id
    from core.voucher_transaction as voucher
    inner join multi_service
        on
            voucher.person_id = multi_service.person_id
            and cast(date_trunc('quarter', voucher.service_date) as date)
            = multi_service.quarter_start_date
    where voucher.voucher_provider_id is not null
),

stepped as (
    select
        person_id,
        cast(date_trunc('quarter', service_date) as date) as quarter_start_date,
        organisation_id,
        date_diff(
            'day',
            lag(service_date) over (
                partition by person_id order by service_date, organisation_id
            ),
            service_date
        ) as step_days,
        lag(organisation_id) over (
            partition by person_id order by service_date, organisation_id
        ) as previous_organisation_id
    from service_day
),

-- From one organisation to the next: a day at the same one is no step of the chain.
served as (
    select
        person_id,
        quarter_start_date,
        count(distinct organisation_id) as organisation_count,
        count(case when organisation_id <> previous_organisation_id then 1 end) as step_count,
        sum(case when organisation_id <> previous_organisation_id then step_days else 0 end)
            as step_days
    from stepped
    group by person_id, quarter_start_date
),

planned as (
    select
        multi_service.person_id,
        multi_service.quarter_start_date,
        count(distinct case when plan.plan_code = 'plan' then contact.contact_id end)
            as plan_count,
        max(case when plan.plan_code = 'joint' then 1 else 0 end) as has_joint_plan
    from multi_service
    inner join core.guidance_contact as contact on multi_service.person_id = contact.person_id
    inner join rulebook.client_plan as plan
        on contact.contact_topic_code = plan.contact_topic_code
    where
        plan.contact_kind_code in ('any', contact.contact_kind_code)
        and contact.contacted_date < multi_service.next_quarter_date
        and contact.contacted_date
        >= multi_service.next_quarter_date - to_months(plan.counts_months)
    group by multi_service.person_id, multi_service.quarter_start_date
),

-- A named professional on the quarter's last day, or a guide who was in contact in the quarter.
responsible as (
    select
        multi_service.person_id,
        multi_service.quarter_start_date
    from multi_service
    inner join core.care_relation as relation on multi_service.person_id = relation.person_id
    where
        relation.valid_from_date < multi_service.next_quarter_date
        and (
            relation.valid_to_date is null
            or relation.valid_to_date >= multi_service.next_quarter_date
        )
    union
    select
        multi_service.person_id,
        multi_service.quarter_start_date
    from multi_service
    inner join core.guidance_contact as contact on multi_service.person_id = contact.person_id
    where
        contact.contacted_date >= multi_service.quarter_start_date
        and contact.contacted_date < multi_service.next_quarter_date
),

described as (
    select
        client.person_id,
        client.quarter_start_date,
        client.health_cost_eur,
        client.social_cost_eur,
        client.elderly_cost_eur,
        client.cost_eur,
        client.is_multi_service,
        served.organisation_count,
        served.step_count,
        served.step_days,
        planned.plan_count,
        coalesce(planned.has_joint_plan, 0) as has_joint_plan,
        responsible.person_id is not null as has_responsible
    from client
    left join served
        on
            client.person_id = served.person_id
            and client.quarter_start_date = served.quarter_start_date
    left join planned
        on
            client.person_id = planned.person_id
            and client.quarter_start_date = planned.quarter_start_date
    left join responsible
        on
            client.person_id = responsible.person_id
            and client.quarter_start_date = responsible.quarter_start_date
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
        sum(has_joint_plan) as joint_plan_count,
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
        cast(counted.joint_plan_count as bigint) as joint_plan_count,
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
