-- grain: One row per person and time in which consent to research is in force, half-open.
-- key: [person_id, valid_from_date]
-- may_be_empty: nobody may have consented
with
event as (
    select
        person_id,
        consent_from_date as event_date,
        1 as is_given
    from core.study_enrolment
    where consent_from_date is not null
    union all
    select
        person_id,
        consent_to_date as event_date,
        0 as is_given
    from core.study_enrolment
    where consent_to_date is not null
),

-- A person may have been taken in twice, or under two codes: a withdrawal holds for all of it until
-- consent is given anew, and on the day of both it wins.
day_event as (
    select
        person_id,
        event_date,
        min(is_given) as is_given
    from event
    group by person_id, event_date
),

change as (
    select
        person_id,
        event_date,
        is_given,
        lag(is_given, 1, 0) over (partition by person_id order by event_date) as prior_is_given
    from day_event
),

turn as (
    select
        person_id,
        event_date as valid_from_date,
        is_given,
        lead(event_date) over (partition by person_id order by event_date) as valid_to_date
    from change
    where is_given <> prior_is_given
),

final as (
    select
        person_id,
        valid_from_date,
        valid_to_date
    from turn
    where is_given = 1
)

select
    person_id,
    valid_from_date,
    valid_to_date
from final
