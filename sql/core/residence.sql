-- grain: One row per stay of a person in a place, and span of register deliveries that state it so.
-- key: [person_id, known_from_seq, valid_from_date]
with
delivery as (
    select
        delivery_sequence,
        covers_to_date,
        row_number() over (order by delivery_sequence) as position
    from effective.delivery
    where source = 'population_register' and table_name = 'residents'
),

listed as (
    select
        coalesce(person_alias.person_id, residents.person_id) as person_id,
        residents.municipality_code,
        residents.postal_code,
        coalesce(residents.moved_date, residents.birth_date) as moved_date,
        residents.death_date,
        residents.delivery_sequence,
        person_alias.person_id is not null as is_former_code
    from effective.residents as residents
    left join core.person_alias as person_alias
        on residents.person_id = person_alias.alias_person_id
),

-- The same statement in delivery after delivery is one row here: 36 snapshots shrink to a few rows.
repeated as (
    select
        person_id,
        municipality_code,
        postal_code,
        moved_date,
        death_date,
        min(delivery_sequence) as first_sequence,
        max(delivery_sequence) as last_sequence,
        count(*) as listed_count
    from listed
    group by person_id, municipality_code, postal_code, moved_date, death_date
),

placed as (
    select
        repeated.person_id,
        repeated.municipality_code,
        repeated.postal_code,
        repeated.moved_date,
        repeated.death_date,
        first_delivery.position as first_position,
        last_delivery.position as last_position,
        last_delivery.position - first_delivery.position + 1 = repeated.listed_count
            as is_unbroken
    from repeated
    inner join delivery as first_delivery
        on repeated.first_sequence = first_delivery.delivery_sequence
    inner join delivery as last_delivery
        on repeated.last_sequence = last_delivery.delivery_sequence
),

-- Who was listed under several codes, or whose statement was gone for a while and came back (a
-- correction and its correction): few, and their statements are cut up delivery by delivery.
irregular_person as (
    select person_id
    from placed
    where not is_unbroken
    union
    select person_id
    from core.person_alias
),

irregular as (
    select
        listed.person_id,
        listed.municipality_code,
        listed.postal_code,
        listed.moved_date,
        listed.death_date,
        delivery.position
    from listed
    inner join delivery on listed.delivery_sequence = delivery.delivery_sequence
    where listed.person_id in (select irregular_person.person_id from irregular_person)
    -- Of two rows in one delivery the person's present code speaks, not a former one.
    qualify row_number() over (
        partition by listed.person_id, delivery.position
        order by
            listed.is_former_code asc,
            listed.moved_date desc,
            listed.municipality_code asc nulls last,
            listed.postal_code asc nulls last
    ) = 1
),

cut_up as (
    select
        *,
        position - row_number() over (
            partition by person_id, municipality_code, postal_code, moved_date, death_date
            order by position
        ) as run_number
    from irregular
),

statement as (
    select
        person_id,
        municipality_code,
        postal_code,
        moved_date,
        death_date,
        first_position,
        last_position
    from placed
    where person_id not in (select irregular_person.person_id from irregular_person)
    union all
    select
        person_id,
        municipality_code,
        postal_code,
        moved_date,
        death_date,
        min(position) as first_position,
        max(position) as last_position
    from cut_up
    group by person_id, municipality_code, postal_code, moved_date, death_date, run_number
),

following as (
    select
        *,
        lead(first_position) over (partition by person_id order by first_position)
            as next_first_position
    from statement
),

-- A person the next delivery omits has left: the stay ends with what the last one covers.
departure as (
    select
        following.person_id,
        cast(null as varchar) as municipality_code,
        cast(null as varchar) as postal_code,
        coalesce(
            following.death_date + 1,
            greatest(delivery.covers_to_date, following.moved_date) + 1
        ) as moved_date,
        following.last_position + 1 as first_position,
        true as is_departure
    from following
    inner join delivery on following.last_position = delivery.position
    where
        following.last_position < (select max(newest.position) from delivery as newest)
        and coalesce(following.next_first_position, 0) <> following.last_position + 1
),

event as (
    select
        person_id,
        municipality_code,
        postal_code,
        moved_date,
        death_date,
        first_position,
        false as is_departure
    from statement
    union all
    select
        person_id,
        municipality_code,
        postal_code,
        moved_date,
        cast(null as date) as death_date,
        first_position,
        is_departure
    from departure
),

-- What was known after each statement: an earlier stay ends where the next later one begins, and
-- one that does not begin before it was a mistake.
known as (
    select
        event.person_id,
        event.municipality_code,
        event.postal_code,
        event.moved_date,
        event.death_date,
        event.is_departure,
        moment.first_position as known_position,
        min(event.moved_date) over (
            partition by event.person_id, moment.first_position
            order by event.first_position
            rows between 1 following and unbounded following
        ) as next_moved_date
    from event
    inner join event as moment
        on
            event.person_id = moment.person_id
            and event.first_position <= moment.first_position
),

stay as (
    select
        person_id,
        municipality_code,
        postal_code,
        moved_date as valid_from_date,
        least(next_moved_date, death_date + 1) as valid_to_date,
        known_position
    from known
    where
        not is_departure
        and (next_moved_date is null or moved_date < next_moved_date)
        -- Nobody moves after death: such a statement says where no one lives.
        and (death_date is null or moved_date <= death_date)
),

next_moment as (
    select
        person_id,
        first_position as known_position,
        lead(first_position) over (partition by person_id order by first_position)
            as next_known_position
    from event
),

-- Consecutive moments that say the same are one span of knowledge.
marked as (
    select
        stay.person_id,
        stay.municipality_code,
        stay.postal_code,
        stay.valid_from_date,
        stay.valid_to_date,
        stay.known_position,
        next_moment.next_known_position,
        lag(next_moment.next_known_position) over (
            partition by
                stay.person_id,
                stay.municipality_code,
                stay.postal_code,
                stay.valid_from_date,
                stay.valid_to_date
            order by stay.known_position
        ) as continues_from_position
    from stay
    inner join next_moment
        on
            stay.person_id = next_moment.person_id
            and stay.known_position = next_moment.known_position
),

numbered as (
    select
        *,
        sum(case when continues_from_position = known_position then 0 else 1 end) over (
            partition by person_id, municipality_code, postal_code, valid_from_date, valid_to_date
            order by known_position
            rows between unbounded preceding and current row
        ) as span_number
    from marked
),

span as (
    select
        person_id,
        municipality_code,
        postal_code,
        valid_from_date,
        valid_to_date,
        span_number,
        min(known_position) as known_from_position,
        case
            when count(*) = count(next_known_position) then max(next_known_position)
        end as known_to_position
    from numbered
    group by
        person_id, municipality_code, postal_code, valid_from_date, valid_to_date, span_number
),

-- Outside the vault a person under a protection order has a region and nothing narrower.
own_region as (
    select max(region_code) as region_code
    from core.municipality
    where is_trial_area
),

final as (
    select
        span.person_id,
        span.municipality_code,
        span.postal_code,
        case
            when span.municipality_code is null then own_region.region_code
            else municipality.region_code
        end as region_code,
        span.valid_from_date,
        span.valid_to_date,
        known_from.delivery_sequence as known_from_seq,
        known_to.delivery_sequence as known_to_seq
    from span
    cross join own_region
    left join core.municipality as municipality
        on span.municipality_code = municipality.municipality_code
    inner join delivery as known_from on span.known_from_position = known_from.position
    left join delivery as known_to on span.known_to_position = known_to.position
)

select
    person_id,
    municipality_code,
    postal_code,
    region_code,
    valid_from_date,
    valid_to_date,
    known_from_seq,
    known_to_seq
from final
