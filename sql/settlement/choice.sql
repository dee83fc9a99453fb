-- Choices of a provider that touch the months settled, as known at the cut-off. A choice takes
-- effect some days after it is made, by the terms of the month. The one before it lasts as long; an
-- end that the client stated and that no choice follows holds from its day.
with
dated as (
    select
        month.list_month,
        enrolment.enrolment_id,
        enrolment.person_id,
        enrolment.provider_id,
        enrolment.site_id,
        enrolment.valid_from_date + month.choice_delay_days as from_date,
        case
            when enrolment.is_ended_by_next then enrolment.valid_to_date + month.choice_delay_days
            else enrolment.valid_to_date
        end as to_date
    from core.enrolment as enrolment
    inner join settle.month as month
        on enrolment.valid_from_date < month.end_date - month.choice_delay_days
    where
        enrolment.service_code = $service_code
        and enrolment.known_from_seq <= $enrolment_sequence
        and (enrolment.known_to_seq is null or enrolment.known_to_seq > $enrolment_sequence)
        and (
            not $is_partial
            or enrolment.person_id in (
                select touched.person_id from settle.touched as touched
            )
        )
)

select
    list_month,
    enrolment_id,
    person_id,
    provider_id,
    site_id,
    from_date,
    to_date
from dated
-- One that ended before it took effect never did.
where to_date is null or (to_date > list_month and to_date > from_date)
