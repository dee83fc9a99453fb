-- Stays in the area that touch the months settled, as known at the cut-off. A protected person
-- lives in the area and nowhere narrower.
select
    residence.person_id,
    residence.municipality_code,
    residence.valid_from_date as from_date,
    residence.valid_to_date as to_date
from core.residence as residence
left join core.municipality as municipality
    on residence.municipality_code = municipality.municipality_code
where
    residence.known_from_seq <= $register_sequence
    and (residence.known_to_seq is null or residence.known_to_seq > $register_sequence)
    and residence.valid_from_date < $end_date
    and (residence.valid_to_date is null or residence.valid_to_date > $begin_date)
    and (residence.municipality_code is null or municipality.is_trial_area)
    and (
        not $is_partial
        or residence.person_id in (select touched.person_id from settle.touched as touched)
    )
