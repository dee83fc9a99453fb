-- grain: One row per period of a social service, from contact to end, in its newest version.
-- key: [service_period_id]
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        social_services.service_period_id,
        coalesce(person_alias.person_id, social_services.person_id) as person_id,
        social_services.service_class_code,
        social_services.client_group_code,
        social_services.contacted_date,
        social_services.assessed_date,
        social_services.decided_date,
        social_services.started_date,
        social_services.ended_date,
        social_services.decision_code,
        social_services.ladder_code,
        social_services.hours_a_week,
        social_services.provider_id,
        social_services.is_carer,
        coalesce(cared_alias.person_id, social_services.cared_person_id) as cared_person_id,
        social_services.delivery_sequence,
        social_services.record_number
    from current.social_services as social_services
    left join core.person_alias as person_alias
        on social_services.person_id = person_alias.alias_person_id
    left join core.person_alias as cared_alias
        on social_services.cared_person_id = cared_alias.alias_person_id
)

select
    service_period_id,
    person_id,
    service_class_code,
    client_group_code,
    contacted_date,
    assessed_date,
    decided_date,
    started_date,
    ended_date,
    decision_code,
    ladder_code,
    hours_a_week,
    provider_id,
    is_carer,
    cared_person_id,
    delivery_sequence,
    record_number
from final
