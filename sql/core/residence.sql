-- grain: One row per stay of a person in a place, and span of register deliveries that state it so.
-- key: [person_id, known_from_seq, valid_from_date]
with
delivery as (
    select
        register.delivery_sequence,
        register.covers_to_date,
        row_number() over (order by register.delivery_sequence) as position
    from ops.delivery as register
    where
        register.source = 'population_register'
        and register.table_name = 'residents'
        and register.delivery_sequence in (
            select distinct residents.delivery_sequence from effective.residents as residents
        )
),

-- The same statement in delivery after delivery is one row here: 36 snapshots shrink to a few rows.
repeated_statement as (
    select
        coalesce(person_alias.person_id, residents.person_id) as person_id,
        residents.municipality_code,
        residents.postal_code,
        coalesce(residents.moved_date, residents.birth_date) as moved_date,
        residents.death_date,
        min(delivery.position) as first_position,
        max(delivery.position) as last_position,
        count(distinct delivery.position) as listed_count
    from effective.residents as residents
    inner join delivery on residents.delivery_sequence = delivery.delivery_sequence
    left join core.person_alias as person_alias
        on residents.person_id = person_alias.alias_person_id
    group by all
),

-- A statement that was gone for a while and came back (a correction and its correction) is cut up.
interrupted as (
    select
        repeated_statement.person_id,
        repeated_statement.municipality_code,
        repeated_statement.postal_code,
        repeated_statement.moved_date,
        repeated_statement.death_date,
        delivery.position,
        delivery.position - row_number() over (
            partition by
                repeated_statement.person_id,
                repeated_statement.municipality_code,
                repeated_statement.postal_code,
                repeated_statement.moved_date,
                repeated_statement.death_date
            order by delivery.position
        ) as run_number
    from repeated_statement
    inner join (
        select distinct
            coalesce(person_alias.person_id, listed.person_id) as person_id,
            listed.municipality_code,
            listed.postal_code,
            coalesce(listed.moved_date, listed.birth_date) as moved_date,
            listed.death_date,
            listed.delivery_sequence
        from effective.residents as listed
        left join core.person_alias as person_alias
            on listed.person_id = person_alias.alias_person_id
    ) as residents
        on
            repeated_statement.person_id = residents.person_id
            and repeated_statement.moved_date = residents.moved_date
            and repeated_statement.municipality_code is not distinct from residents.municipality_code
            and repeated_statement.postal_code is not distinct from residents.postal_code
            and repeated_statement.death_date is not distinct from residents.death_date
    inner join delivery on residents.delivery_sequence = delivery.delivery_sequence
    where
        repeated_statement.last_position - repeated_statement.first_position + 1
        <> repeated_statement.listed_count
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
    from repeated_statement
    where last_position - first_position + 1 = listed_count
    union all
    select
        person_id,
        municipality_code,
        postal_code,
        moved_date,
        death_date,
        min(position) as first_position,
        max(position) as last_position
    from interrupted
    group by person_id, municipality_code, postal_code, moved_date, death_date, run_number
),

-- Two codes of one person in one delivery state two places: the later move speaks.
single_statement as (
    select *
    from statement
    qualify row_number() over (
        partition by person_id, first_position
        order by moved_date desc, municipality_code nulls last, postal_code nulls last
    ) = 1
),

following as (
    select
        *,
        lead(first_position) over (partition by person_id order by first_position)
            as next_first_position
    from single_statement
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
        following.last_position < (select max(delivery.position) from delivery)
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
    from single_statement
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
    where not is_departure and (next_moved_date is null or moved_date < next_moved_date)
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
    from current.municipalities
    where is_trial_area
),

municipality as (
    select
        municipality_code,
        arg_max(region_code, valid_from_date) as region_code
    from current.municipalities
    group by municipality_code
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
    left join municipality on span.municipality_code = municipality.municipality_code
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
