-- grain: One row per person who has ever chosen a provider, as known now.
-- key: [person_id]
-- may_be_empty: choice may not have begun
select
    person_id,
    min(valid_from_date) as first_choice_date
from core.enrolment
where known_to_seq is null
group by person_id
