-- grain: One row per month, service, provider, attribute of clients and group of it.
-- key: [enrolment_month, service_code, provider_id, attribute_code, group_code]
-- purpose: knowledge management
-- may_be_empty: choice may not have begun
with
attributed as (
    select
        enrolment_month,
        service_code,
        provider_id,
        'sex' as attribute_code,
        sex_code as group_code,
        person_count
    from core.list_profile
    union all
    select
        enrolment_month,
        service_code,
        provider_id,
        'age' as attribute_code,
        age_band as group_code,
        person_count
    from core.list_profile
    union all
    select
        enrolment_month,
        service_code,
        provider_id,
        'birth_country' as attribute_code,
        birth_country_group_code as group_code,
        person_count
    from core.list_profile
),

final as (
    select
        enrolment_month,
        service_code,
        -- Persons under a protection order count, on nobody's list.
        provider_id,
        attribute_code,
        group_code,
        cast(sum(person_count) as bigint) as person_count
    from attributed
    group by enrolment_month, service_code, provider_id, attribute_code, group_code
)

select
    enrolment_month,
    service_code,
    provider_id,
    attribute_code,
    group_code,
    person_count
from final
