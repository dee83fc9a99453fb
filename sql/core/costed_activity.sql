-- grain: One row per month and kind of costed event, told apart by what decides its costing.
-- key: [activity_month, event_kind_code, first_code, second_code, group_code, place_code]
-- partition: activity_month
-- may_be_empty: the sources may not have begun to send
-- touched:
--   - select encounter_month from changed.encounter
--   - select procedure_month from changed.procedure
--   - select episode_month from changed.hospital_episode
--   - select service_month from changed.service_period_month
--   - >-
--     select encounter.encounter_month
--     from core.encounter as encounter
--     inner join changed.site as site on encounter.site_id = site.site_id
with
emergency_site as (
    select distinct site_id
    from core.site
    where service_code = 'emergency'
),

placed as (
    select
        encounter.encounter_month,
        coalesce(encounter.contact_type_code, '') as first_code,
        coalesce(encounter.profession_code, '') as second_code,
        coalesce(encounter.service_code, '') as group_code,
        case when emergency_site.site_id is null then '' else 'emergency' end as place_code
    from core.encounter as encounter
    left join emergency_site on encounter.site_id = emergency_site.site_id
),

event as (
    select
        encounter_month as activity_month,
        'encounter' as event_kind_code,
        first_code,
        second_code,
        group_code,
        place_code,
        count(*) as event_count,
        cast(0 as decimal(18, 4)) as day_quantity,
        cast(0 as decimal(18, 4)) as hour_quantity
    from placed
    group by encounter_month, first_code, second_code, group_code, place_code
    union all
    -- An act is part of its visit unless it has a unit cost of its own.
    select
        procedure_month as activity_month,
        'procedure' as event_kind_code,
        procedure_code as first_code,
        '' as second_code,
        '' as group_code,
        '' as place_code,
        count(*) as event_count,
        cast(0 as decimal(18, 4)) as day_quantity,
        cast(0 as decimal(18, 4)) as hour_quantity
    from core.procedure
    where
        procedure_code in (
            select unit_cost_match.first_code
            from rulebook.unit_cost_match as unit_cost_match
            where unit_cost_match.event_table = 'procedure'
        )
    group by procedure_month, procedure_code
    union all
    select
        service_month as activity_month,
        'service_period' as event_kind_code,
        service_class_code as first_code,
        '' as second_code,
        client_group_code as group_code,
        '' as place_code,
        count(*) as event_count,
        cast(sum(service_days) as decimal(18, 4)) as day_quantity,
        cast(coalesce(sum(service_hours), 0) as decimal(18, 4)) as hour_quantity
    from core.service_period_month
    group by service_month, service_class_code, client_group_code
    union all
    select
        episode_month as activity_month,
        'hospital_episode' as event_kind_code,
        episode_kind_code as first_code,
        case when is_psychiatric then 'psychiatric' else 'somatic' end as second_code,
        '' as group_code,
        '' as place_code,
        count(*) as event_count,
        cast(sum(greatest(coalesce(stay_days, 1), 1)) as decimal(18, 4)) as day_quantity,
        cast(0 as decimal(18, 4)) as hour_quantity
    from core.hospital_episode
    group by episode_month, episode_kind_code, is_psychiatric
),

rule as (
    select
        *,
        lead(valid_from_date, 1, date '9999-12-31') over (
            partition by event_kind_code, first_code, second_code, group_code, place_code
            order by valid_from_date
        ) as valid_to_date,
        case when place_code = 'any' then 0 else 8 end
        + case when group_code = 'any' then 0 else 4 end
        + case when first_code = 'any' then 0 else 2 end
        + case when second_code = 'any' then 0 else 1 end as said
    from rulebook.costed_event
),

ruled as (
    select
        event.*,
        rule.costed_service_code,
        rule.package_class_code,
        rule.aura_class_code,
        rule.cost_unit_code,
        rule.weight,
        rule.is_own_costed
    from event
    left join rule
        on
            event.event_kind_code = rule.event_kind_code
            and (rule.first_code = 'any' or event.first_code = rule.first_code)
            and (rule.second_code = 'any' or event.second_code = rule.second_code)
            and (rule.group_code = 'any' or event.group_code = rule.group_code)
            and (rule.place_code = 'any' or event.place_code = rule.place_code)
            and event.activity_month >= rule.valid_from_date
            and event.activity_month < rule.valid_to_date
    qualify row_number() over (
        partition by
            event.activity_month,
            event.event_kind_code,
            event.first_code,
            event.second_code,
            event.group_code,
            event.place_code
        order by rule.said desc nulls last
    ) = 1
),

national as (
    select
        event_table,
        first_code,
        second_code,
        unit_cost_code,
        valid_from_date,
        lead(valid_from_date, 1, date '9999-12-31') over (
            partition by event_table, first_code, second_code order by valid_from_date
        ) as valid_to_date
    from rulebook.unit_cost_match
),

final as (
    select
        ruled.*,
        national.unit_cost_code,
        cast(
            case ruled.cost_unit_code
                when 'day' then ruled.day_quantity
                when 'hour' then ruled.hour_quantity
                else ruled.event_count
            end as decimal(18, 4)
        ) as quantity
    from ruled
    left join national
        on
            ruled.event_kind_code = national.event_table
            and ruled.first_code = national.first_code
            and national.second_code in (ruled.second_code, '')
            and ruled.activity_month >= national.valid_from_date
            and ruled.activity_month < national.valid_to_date
    -- A profession of its own before any other.
    qualify row_number() over (
        partition by
            ruled.activity_month,
            ruled.event_kind_code,
            ruled.first_code,
            ruled.second_code,
            ruled.group_code,
            ruled.place_code
        order by national.second_code desc nulls last
    ) = 1
)

select
    activity_month,
    event_kind_code,
    first_code,
    second_code,
    group_code,
    place_code,
    event_count,
    day_quantity,
    hour_quantity,
    costed_service_code,
    package_class_code,
    aura_class_code,
    cost_unit_code,
    weight,
    is_own_costed,
    quantity,
    unit_cost_code
from final
