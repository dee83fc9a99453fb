-- grain: One row per service, provider and municipality, in the newest month.
with
newest as (
    select max(enrolment_month) as enrolment_month
    from shelf.enrolled_by_provider
)

select
    enrolled.enrolment_month,
    enrolled.service_code,
    enrolled.provider_id,
    enrolled.municipality_code,
    cast(sum(enrolled.person_count) as bigint) as person_count
from shelf.enrolled_by_provider as enrolled
inner join newest on enrolled.enrolment_month = newest.enrolment_month
group by
    enrolled.enrolment_month,
    enrolled.service_code,
    enrolled.provider_id,
    enrolled.municipality_code
order by
    enrolled.service_code,
    enrolled.municipality_code,
    enrolled.provider_id
