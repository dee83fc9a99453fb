-- How many are on each provider's list, and how did that change from the month before?
with
list as (
    select
        enrolment_month,
        service_code,
        provider_id,
        cast(sum(person_count) as bigint) as person_count
    from mart.enrolled_by_provider
    group by enrolment_month, service_code, provider_id
)

select
    enrolment_month,
    service_code,
    provider_id,
    person_count,
    person_count - lag(person_count) over (
        partition by service_code, provider_id order by enrolment_month
    ) as change_count
from list
