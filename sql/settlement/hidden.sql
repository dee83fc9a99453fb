-- Days of the month on lists that the lake may not tell, with the record that says which list it
-- is: the newest of the choice up to the cut-off, as the vault has it.
with
day as (
    select
        choice.enrolment_id,
        cast(sum(listed.person_days) as bigint) as person_days
    from settle.listed as listed
    inner join settle.choice as choice
        on
            listed.person_id = choice.person_id
            and listed.from_date >= choice.from_date
            and (choice.to_date is null or listed.from_date < choice.to_date)
    where listed.list_month = $list_month and listed.status_code = 'hidden'
    group by choice.enrolment_id
),

stated as (
    select
        enrolments.enrolment_id,
        enrolments.delivery_sequence,
        enrolments.record_number
    from effective.enrolments as enrolments
    where
        enrolments.delivery_sequence <= $enrolment_sequence
        and enrolments.enrolment_id in (select day.enrolment_id from day)
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
    stated.delivery_sequence,
    stated.record_number,
    day.person_days
from day
inner join stated on day.enrolment_id = stated.enrolment_id
