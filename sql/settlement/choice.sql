-- Choices of a provider that touch the months settled, as known at the cut-off. A choice takes
-- effect some days after it is made, and so does the end of the one before it.
select
    enrolment_id,
    person_id,
    provider_id,
    site_id,
    valid_from_date + $choice_delay_days as from_date,
    valid_to_date + $choice_delay_days as to_date
from core.enrolment
where
    service_code = $service_code
    and known_from_seq <= $enrolment_sequence
    and (known_to_seq is null or known_to_seq > $enrolment_sequence)
    and valid_from_date + $choice_delay_days < $end_date
    and (valid_to_date is null or valid_to_date + $choice_delay_days > $begin_date)
    and (valid_to_date is null or valid_to_date <> valid_from_date)
    and (not $is_partial or person_id in (select touched.person_id from settle.touched as touched))
