-- grain: One row per month, service and provider.
select
    enrolment_month,
    service_code,
    provider_id,
    cast(sum(person_count) as bigint) as person_count
from shelf.enrolled_by_provider
group by enrolment_month, service_code, provider_id
order by enrolment_month, service_code, provider_id
