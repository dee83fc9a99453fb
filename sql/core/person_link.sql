-- grain: One row per change of identity code, and span of register deliveries that state it.
-- key: [from_person_id, to_person_id, known_from_seq]
-- may_be_empty: nobody's code may have changed
with
-- Only the rows of persons who ever had a former code matter: few.
linked_person as (
    select distinct person_id
    from effective.residents
    where previous_person_id is not null
),

statement as (
    select
        residents.person_id,
        residents.previous_person_id,
        residents.delivery_sequence,
        lag(residents.previous_person_id) over person_history as prior_previous_person_id
    from effective.residents as residents
    inner join linked_person on residents.person_id = linked_person.person_id
    window person_history as (partition by residents.person_id order by residents.delivery_sequence)
),

-- A link lasts until the register lists the person without that former code; being omitted
-- (death, moving away) does not undo it.
change as (
    select
        person_id,
        previous_person_id,
        delivery_sequence as known_from_seq,
        lead(delivery_sequence) over (partition by person_id order by delivery_sequence)
            as known_to_seq
    from statement
    where previous_person_id is distinct from prior_previous_person_id
),

final as (
    select
        previous_person_id as from_person_id,
        person_id as to_person_id,
        known_from_seq,
        known_to_seq,
        cast('register states the former code' as varchar) as reason
    from change
    where previous_person_id is not null and previous_person_id <> person_id
)

select
    from_person_id,
    to_person_id,
    known_from_seq,
    known_to_seq,
    reason
from final
