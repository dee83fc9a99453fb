-- Of whom the register tells otherwise than at the settlement before: another sex or date of birth,
-- or another code. Told by the deliveries that came, went or came back since, beside the newest one
-- before them; who is not in that one is among them, for what was known then is older still.
with
turned as (
    select distinct delivery_sequence
    from ops.delivery_event
    where
        event_id > $last_event_id
        and source = 'population_register'
        and table_name = 'residents'
),

listed as (
    select
        person_id,
        previous_person_id,
        sex_code,
        birth_date,
        delivery_sequence,
        delivery_sequence = $sequence_before as is_before
    from staging.residents
    where delivery_sequence >= $first_sequence and delivery_sequence <= $last_sequence
),

told as (
    select
        listed.person_id,
        listed.previous_person_id,
        listed.sex_code,
        listed.birth_date,
        turned.delivery_sequence is not null as is_turned
    from listed
    left join turned on listed.delivery_sequence = turned.delivery_sequence
    where turned.delivery_sequence is not null or listed.is_before
),

described as (
    select coalesce(person_alias.person_id, told.person_id) as person_id
    from told
    left join core.person_alias as person_alias on told.person_id = person_alias.alias_person_id
    group by coalesce(person_alias.person_id, told.person_id)
    having
        bool_or(told.is_turned)
        and (
            bool_and(told.is_turned)
            or min(told.sex_code) <> max(told.sex_code)
            or min(told.birth_date) <> max(told.birth_date)
        )
),

-- Codes that were joined or parted; of a delivery that was withdrawn, any that it joined.
linked as (
    select
        from_person_id,
        to_person_id
    from core.person_link
    where
        known_from_seq in (select turned.delivery_sequence from turned)
        or known_to_seq in (select turned.delivery_sequence from turned)
    union
    select
        told.previous_person_id as from_person_id,
        told.person_id as to_person_id
    from told
    anti join core.person_link as standing
        on
            told.previous_person_id = standing.from_person_id
            and told.person_id = standing.to_person_id
    where told.is_turned and told.previous_person_id is not null
),

coded as (
    select from_person_id as person_id
    from linked
    union
    select to_person_id as person_id
    from linked
),

-- A code that was joined to one person may have been another's until then.
beside as (
    select person_id
    from coded
    union
    select person_link.to_person_id as person_id
    from core.person_link as person_link
    inner join coded on person_link.from_person_id = coded.person_id
    union
    select person_link.from_person_id as person_id
    from core.person_link as person_link
    inner join coded on person_link.to_person_id = coded.person_id
)

select
    person_id,
    'person' as touched_code
from described
union
select
    coalesce(person_alias.person_id, beside.person_id) as person_id,
    'person' as touched_code
from beside
left join core.person_alias as person_alias on beside.person_id = person_alias.alias_person_id
