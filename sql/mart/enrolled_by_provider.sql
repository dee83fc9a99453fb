-- grain: One row per month, service, provider, municipality and age band, on the month's last day.
-- key: [enrolment_month, service_code, provider_id, municipality_code, age_band]
-- purpose: knowledge management
-- may_be_empty: choice may not have begun
with
final as (
    select
        enrolment_month,
        service_code,
        provider_id,
        municipality_code,
        age_band,
        cast(sum(person_count) as bigint) as person_count
    from core.list_profile
    group by enrolment_month, service_code, provider_id, municipality_code, age_band
)

select
    enrolment_month,
    service_code,
    provider_id,
    municipality_code,
    age_band,
    person_count
from final
