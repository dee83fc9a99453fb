-- Whom a delivery told of that was withdrawn or put back since the settlement before.
with
turned as (
    select distinct
        table_name,
        delivery_sequence
    from ops.delivery_event
    where event_id > $last_event_id and event in ('withdrawn', 'reinstated')
)

select enrolments.person_id
from staging.enrolments as enrolments
inner join turned
    on
        turned.table_name = 'enrolments'
        and enrolments.delivery_sequence = turned.delivery_sequence
union
select residents.person_id
from staging.residents as residents
inner join turned
    on
        turned.table_name = 'residents'
        and residents.delivery_sequence = turned.delivery_sequence
