-- grain: One row per costed event; a period of a service has one per month.
-- key: [event_kind_code, event_id, cost_month]
-- partition: cost_month
-- may_be_empty: the sources may not have begun to send
-- touched:
--   - select activity_month from changed.costed_activity
--   - >-
--     select cast(date_trunc('month', civil_date(specialised_care.started_at)) as date)
--     from staging.specialised_care as specialised_care
--     inner join changed.invoices as invoices
--     on specialised_care.episode_id = invoices.episode_id
--   - >-
--     select costed_activity.activity_month
--     from core.costed_activity as costed_activity
--     inner join changed.unit_cost as unit_cost
--     on unit_cost.calendar_year = year(costed_activity.activity_month)
--     and unit_cost.price_code
--     in (costed_activity.costed_service_code, costed_activity.unit_cost_code)
with
-- Everything about an event's price hangs on its month and kind: a few thousand rows.
price as (
    select
        activity.activity_month,
        activity.event_kind_code,
        activity.first_code,
        activity.second_code,
        activity.group_code,
        activity.place_code,
        activity.costed_service_code,
        activity.package_class_code,
        activity.aura_class_code,
        case
            when own.unit_cost_eur is not null then 'own'
            when national.unit_cost_eur is not null then 'national'
            else 'none'
        end as cost_source_code,
        coalesce(own.cost_unit_code, national.cost_unit_code) as cost_unit_code,
        coalesce(own.unit_cost_eur, national.unit_cost_eur) as unit_cost_eur
    from core.costed_activity as activity
    left join core.unit_cost as own
        on
            own.cost_source_code = 'own'
            and activity.costed_service_code = own.price_code
            and year(activity.activity_month) = own.calendar_year
    left join core.unit_cost as national
        on
            national.cost_source_code = 'national'
            and activity.unit_cost_code = national.price_code
            and year(activity.activity_month) = national.calendar_year
),

emergency_site as (
    select distinct site_id
    from core.site
    where service_code = 'emergency'
),

-- What was invoiced for an episode, less what was credited.
invoiced as (
    select
        episode_id,
        cast(sum(net_amount_eur) as decimal(18, 2)) as invoiced_eur
    from core.invoice_line
    where episode_id is not null
    group by episode_id
),

event as (
    select
        'encounter' as event_kind_code,
        encounter.encounter_id as event_id,
        encounter.person_id,
        encounter.encounter_date as event_date,
        encounter.encounter_month as cost_month,
        coalesce(encounter.contact_type_code, '') as first_code,
        coalesce(encounter.profession_code, '') as second_code,
        coalesce(encounter.service_code, '') as group_code,
        case when emergency_site.site_id is null then '' else 'emergency' end as place_code,
        cast(null as bigint) as service_days,
        cast(null as decimal(18, 4)) as service_hours,
        cast(null as decimal(18, 2)) as invoiced_eur
    from core.encounter as encounter
    left join emergency_site on encounter.site_id = emergency_site.site_id
    union all
    select
        'procedure' as event_kind_code,
        procedure_id as event_id,
        person_id,
        performed_date as event_date,
        procedure_month as cost_month,
        procedure_code as first_code,
        '' as second_code,
        '' as group_code,
        '' as place_code,
        cast(null as bigint) as service_days,
        cast(null as decimal(18, 4)) as service_hours,
        cast(null as decimal(18, 2)) as invoiced_eur
    from core.procedure
    where
        procedure_code in (
            select unit_cost_match.first_code
            from rulebook.unit_cost_match as unit_cost_match
            where unit_cost_match.event_table = 'procedure'
        )
    union all
    select
        'service_period' as event_kind_code,
        service_period_id as event_id,
        person_id,
        service_date as event_date,
        service_month as cost_month,
        service_class_code as first_code,
        '' as second_code,
        client_group_code as group_code,
        '' as place_code,
        service_days,
        service_hours,
        cast(null as decimal(18, 2)) as invoiced_eur
    from core.service_period_month
    union all
    select
        'hospital_episode' as event_kind_code,
        episode.episode_id as event_id,
        episode.person_id,
        episode.episode_date as event_date,
        episode.episode_month as cost_month,
        episode.episode_kind_code as first_code,
        case when episode.is_psychiatric then 'psychiatric' else 'somatic' end as second_code,
        '' as group_code,
        '' as place_code,
        greatest(coalesce(episode.stay_days, 1), 1) as service_days,
        cast(null as decimal(18, 4)) as service_hours,
        invoiced.invoiced_eur
    from core.hospital_episode as episode
    left join invoiced on episode.episode_id = invoiced.episode_id
),

priced as (
    select
        event.event_kind_code,
        event.event_id,
        event.person_id,
        event.event_date,
        event.cost_month,
        price.costed_service_code,
        price.package_class_code,
        price.aura_class_code,
        case when event.invoiced_eur is null then price.cost_source_code else 'invoiced' end
            as cost_source_code,
        case when event.invoiced_eur is null then price.cost_unit_code else 'event' end
            as cost_unit_code,
        coalesce(event.invoiced_eur, price.unit_cost_eur) as unit_cost_eur,
        -- Units of the price: days, granted hours, months or parts of one; of all else one.
        case
            when event.invoiced_eur is not null then cast(1 as decimal(18, 4))
            when price.cost_unit_code = 'day' then cast(event.service_days as decimal(18, 4))
            when price.cost_unit_code = 'hour' then event.service_hours
            when price.cost_unit_code = 'month'
                then
                    cast(
                        round(
                            cast(event.service_days as double) / day(last_day(event.cost_month)),
                            4
                        ) as decimal(18, 4)
                    )
            when price.cost_unit_code is not null then cast(1 as decimal(18, 4))
        end as quantity
    from event
    -- Every event has its row in the activity of its month; if not, a blocking check says so.
    left join price
        on
            event.cost_month = price.activity_month
            and event.event_kind_code = price.event_kind_code
            and event.first_code = price.first_code
            and event.second_code = price.second_code
            and event.group_code = price.group_code
            and event.place_code = price.place_code
),

-- The one step at which an event's euros are rounded, half up to a cent.
final as (
    select
        event_kind_code,
        event_id,
        person_id,
        event_date,
        cost_month,
        costed_service_code,
        package_class_code,
        aura_class_code,
        case when quantity is null then 'none' else cost_source_code end as cost_source_code,
        cost_unit_code,
        quantity,
        unit_cost_eur,
        cast(round(quantity * unit_cost_eur, 2) as decimal(18, 2)) as cost_eur
    from priced
)

select
    event_kind_code,
    event_id,
    person_id,
    event_date,
    cost_month,
    costed_service_code,
    package_class_code,
    aura_class_code,
    cost_source_code,
    cost_unit_code,
    quantity,
    unit_cost_eur,
    cost_eur
from final
