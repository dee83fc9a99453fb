-- grain: One row per service, provider and age band, in the newest month.
with
newest as (
    select max(enrolment_month) as enrolment_month
    from shelf.enrolled_by_provider
)

select
    enrolled.enrolment_month,
    enrolled.service_code,
    enrolled.provider_id,
    enrolled.age_band,
    cast(sum(enrolled.person_count) as bigint) as person_count
from shelf.enrolled_by_provider as enrolled
inner join newest on enrolled.enrolment_month = newest.enrolment_month
group by
    enrolled.enrolment_month,
    enrolled.service_code,
    enrolled.provider_id,
    enrolled.age_band
order by
    enrolled.service_code,
    enrolled.age_band,
    enrolled.provider_id
