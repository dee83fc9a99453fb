-- grain: One row per month, service, provider of the list, reason, and service package used.
-- key: [use_month, service_code, provider_id, reason_code, package_class_code]
-- purpose: knowledge management
-- may_be_empty: choice may not have begun
with
payer_period as (
    select
        service_code,
        rulebook_id,
        valid_from_date,
        lead(valid_from_date, 1, date '9999-12-31') over (
            partition by service_code order by valid_from_date
        ) as next_payer_date
    from rulebook.capitation_payer
),

version as (
    select
        rulebook_id,
        valid_from_date as version_date,
        choice_delay_days,
        lead(valid_from_date, 1, date '9999-12-31') over (
            partition by rulebook_id order by valid_from_date
        ) as next_version_date
    from rulebook.capitation_scheme
),

-- Versions of the scheme that pays for a service, as long as it does.
payer as (
    select
        payer_period.service_code,
        payer_period.rulebook_id,
        version.version_date,
        version.choice_delay_days,
        greatest(version.version_date, payer_period.valid_from_date) as from_date,
        least(version.next_version_date, payer_period.next_payer_date) as to_date
    from payer_period
    inner join version
        on
            payer_period.rulebook_id = version.rulebook_id
            and payer_period.next_payer_date > version.version_date
            and payer_period.valid_from_date < version.next_version_date
),

event as (
    select
        cost.person_id,
        cost.event_date,
        cost.cost_month,
        cost.event_kind_code,
        cost.package_class_code,
        cost.cost_eur,
        case when cost.event_kind_code = 'encounter' then cost.event_id end as encounter_id,
        case when cost.event_kind_code = 'procedure' then cost.event_id end as procedure_id
    from core.cost as cost
    where
        cost.package_class_code in (
            select basket.package_class_code
            from rulebook.capitation_basket as basket
        )
        and cost.person_id in (select enrolled.person_id from core.enrolment as enrolled)
),

-- Events of the basket, where they were: of an encounter its site, of an act that of its day.
placed as (
    select
        event.person_id,
        event.event_date,
        event.cost_month,
        event.event_kind_code,
        event.package_class_code,
        event.cost_eur,
        coalesce(encounter.site_id, done.site_id) as site_id
    from event
    left join core.encounter as encounter
        on
            event.encounter_id = encounter.encounter_id
            and event.cost_month = encounter.encounter_month
    left join core.procedure as done
        on
            event.procedure_id = done.procedure_id
            and event.cost_month = done.procedure_month
),

used as (
    select
        payer.service_code,
        enrolment.provider_id,
        placed.cost_month,
        placed.event_kind_code,
        placed.package_class_code,
        placed.person_id,
        placed.cost_eur,
        site.provider_id as used_provider_id,
        site.service_code as used_service_code,
        site.sector_code as used_sector_code
    from placed
    inner join core.enrolment as enrolment
        on
            placed.person_id = enrolment.person_id
            and enrolment.known_to_seq is null
    inner join payer
        on
            enrolment.service_code = payer.service_code
            and placed.cost_month >= payer.from_date
            and placed.cost_month < payer.to_date
            and placed.event_date >= enrolment.valid_from_date + payer.choice_delay_days
            and (
                enrolment.valid_to_date is null
                or placed.event_date
                < enrolment.valid_to_date
                + case when enrolment.is_ended_by_next then payer.choice_delay_days else 0 end
            )
    inner join rulebook.capitation_basket as basket
        on
            payer.rulebook_id = basket.rulebook_id
            and payer.version_date = basket.valid_from_date
            and placed.package_class_code = basket.package_class_code
    left join core.site as site
        on
            placed.site_id = site.site_id
            and placed.event_date >= site.valid_from_date
            and (site.valid_to_date is null or placed.event_date < site.valid_to_date)
),

reasoned as (
    select
        *,
        case
            when used_provider_id is null then 'place_not_known'
            when used_provider_id = provider_id then 'own_list'
            when used_service_code = 'emergency' then 'emergency'
            when used_sector_code = 'public' then 'public_station'
            else 'other_provider'
        end as reason_code
    from used
),

by_person as (
    select
        cost_month,
        service_code,
        provider_id,
        reason_code,
        package_class_code,
        person_id,
        count(*) as event_count,
        coalesce(sum(cost_eur), 0) as cost_eur
    from reasoned
    where reason_code <> 'own_list'
    group by cost_month, service_code, provider_id, reason_code, package_class_code, person_id
),

ranked as (
    select
        *,
        row_number() over (
            partition by cost_month, service_code, provider_id, reason_code, package_class_code
            order by cost_eur desc
        ) as cost_rank
    from by_person
),

final as (
    select
        cost_month as use_month,
        service_code,
        provider_id,
        reason_code,
        package_class_code,
        cast(sum(event_count) as bigint) as event_count,
        count(*) as person_count,
        cast(sum(cost_eur) as decimal(18, 2)) as cost_eur,
        -- What two hold of it decides whether it may be told to anybody.
        cast(sum(case when cost_rank <= 2 then cost_eur else 0 end) as decimal(18, 2))
            as top_two_eur
    from ranked
    group by cost_month, service_code, provider_id, reason_code, package_class_code
)

select
    use_month,
    service_code,
    provider_id,
    reason_code,
    package_class_code,
    event_count,
    person_count,
    cost_eur,
    top_two_eur
from final
