-- grain: One row per quarter and client who used both health and social services in it.
-- key: [person_id, quarter_start_date]
-- may_be_empty: the sources may not have begun to send
with
-- Those whose health and social services are to be brought together.
multi_service as (
    select
        person_id,
        quarter_start_date,
        cast(quarter_start_date + interval 3 month as date) as next_quarter_date,
        package_count
    from core.client_quarter
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
        service_date,
        lag(service_date) over ordered as previous_date,
        lag(organisation_id) over ordered as previous_organisation_id
    from service_day
    window ordered as (partition by person_id order by service_date, organisation_id)
),

-- From one organisation to the next: a day at the same one is no step of the chain. A step begins
-- in its quarter or in the one before, of both of which every day is at hand: what lay in between
-- of a client who had several services in neither is not known here.
step as (
    select
        person_id,
        quarter_start_date,
        organisation_id,
        case
            when
                organisation_id <> previous_organisation_id
                and previous_date >= quarter_start_date - interval 3 month
                then date_diff('day', previous_date, service_date)
        end as step_days
    from stepped
),

served as (
    select
        person_id,
        quarter_start_date,
        count(distinct organisation_id) as organisation_count,
        count(step_days) as step_count,
        coalesce(sum(step_days), 0) as gap_days,
        max(step_days) as longest_gap_days
    from step
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

final as (
    select
        multi_service.person_id,
        multi_service.quarter_start_date,
        multi_service.package_count,
        served.organisation_count,
        served.step_count,
        cast(served.gap_days as bigint) as gap_days,
        served.longest_gap_days,
        coalesce(planned.plan_count, 0) as plan_count,
        coalesce(planned.has_joint_plan, 0) = 1 as has_joint_plan,
        responsible.person_id is not null as has_responsible
    from multi_service
    left join served
        on
            multi_service.person_id = served.person_id
            and multi_service.quarter_start_date = served.quarter_start_date
    left join planned
        on
            multi_service.person_id = planned.person_id
            and multi_service.quarter_start_date = planned.quarter_start_date
    left join responsible
        on
            multi_service.person_id = responsible.person_id
            and multi_service.quarter_start_date = responsible.quarter_start_date
)

select
    person_id,
    quarter_start_date,
    package_count,
    organisation_count,
    step_count,
    gap_days,
    longest_gap_days,
    plan_count,
    has_joint_plan,
    has_responsible
from final
