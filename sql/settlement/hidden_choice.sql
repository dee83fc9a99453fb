-- Choices of the month whose list the lake may not tell, each with the record that says which list
-- it is: the newest of the choice up to the cut-off, as the vault has it.
with
hidden_person as (
    select distinct person_id
    from settle.listed
    where list_month = $list_month and status_code = 'hidden'
),

chosen as (
    select
        choice.enrolment_id,
        choice.person_id,
        choice.from_date,
        choice.to_date
    from settle.choice as choice
    inner join hidden_person on choice.person_id = hidden_person.person_id
    where choice.list_month = $list_month
),

stated as (
    select
        enrolments.enrolment_id,
        enrolments.delivery_sequence,
        enrolments.record_number
    from effective.enrolments as enrolments
    where
        enrolments.delivery_sequence <= $enrolment_sequence
        and enrolments.enrolment_id in (select chosen.enrolment_id from chosen)
    qualify
        row_number() over (
            partition by enrolments.enrolment_id
            order by
                enrolments.updated_at desc,
                enrolments.delivery_sequence desc,
                enrolments.record_number desc
        ) = 1
)

select
    chosen.person_id,
    chosen.from_date,
    chosen.to_date,
    stated.delivery_sequence,
    stated.record_number
from chosen
inner join stated on chosen.enrolment_id = stated.enrolment_id
