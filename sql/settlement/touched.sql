-- Who may be listed otherwise in closed months than was settled, and from which day on: of whom a
-- choice or a stay was restated since the settlement before, or the person, or a place. Starts and
-- ends that were known then and are known now cancel out; the first day that is left is the first
-- that can differ, however long choices wait.
with
choice_version as (
    select
        person_id,
        concat(coalesce(provider_id, ''), '|', coalesce(site_id, '')) as place,
        valid_from_date,
        valid_to_date,
        is_ended_by_next,
        known_from_seq <= $enrolment_sequence
        and (known_to_seq is null or known_to_seq > $enrolment_sequence) as is_known_now,
        known_from_seq <= $earlier_enrolment_sequence
        and (known_to_seq is null or known_to_seq > $earlier_enrolment_sequence)
            as is_known_then
    from core.enrolment
    where
        service_code = $service_code
        and known_from_seq <= $enrolment_sequence
        and (
            known_from_seq > $earlier_enrolment_sequence
            or known_to_seq > $earlier_enrolment_sequence
        )
),

stay_version as (
    select
        person_id,
        coalesce(municipality_code, '') as place,
        valid_from_date,
        valid_to_date,
        known_from_seq <= $register_sequence
        and (known_to_seq is null or known_to_seq > $register_sequence) as is_known_now,
        known_from_seq <= $earlier_register_sequence
        and (known_to_seq is null or known_to_seq > $earlier_register_sequence)
            as is_known_then
    from core.residence
    where
        known_from_seq <= $register_sequence
        and (
            known_from_seq > $earlier_register_sequence
            or known_to_seq > $earlier_register_sequence
        )
),

restated as (
    select
        'choice' as touched_code,
        person_id,
        place,
        valid_from_date,
        valid_to_date,
        is_ended_by_next,
        is_known_now
    from choice_version
    where is_known_now <> is_known_then
    union all
    select
        'stay' as touched_code,
        person_id,
        place,
        valid_from_date,
        valid_to_date,
        false as is_ended_by_next,
        is_known_now
    from stay_version
    where is_known_now <> is_known_then
),

edge as (
    select
        touched_code,
        person_id,
        place,
        'start' as edge_code,
        valid_from_date as edge_date,
        case when is_known_now then 1 else -1 end as sign
    from restated
    where valid_to_date is distinct from valid_from_date
    union all
    select
        touched_code,
        person_id,
        place,
        case when is_ended_by_next then 'next' else 'end' end as edge_code,
        valid_to_date as edge_date,
        case when is_known_now then 1 else -1 end as sign
    from restated
    where valid_to_date is not null and valid_to_date <> valid_from_date
),

moved_edge as (
    select
        touched_code,
        person_id,
        edge_date
    from edge
    group by touched_code, person_id, place, edge_code, edge_date
    having sum(sign) <> 0
),

-- After a withdrawal, or a delivery that came out of its turn, everybody is compared.
everybody as (
    select
        'all' as touched_code,
        coalesce(person_alias.person_id, frozen.person_id) as person_id,
        $first_date as from_date
    from ledger.frozen_list as frozen
    left join core.person_alias as person_alias
        on frozen.person_id = person_alias.alias_person_id
    where
        $is_full
        and frozen.capitation_run_id in (
            select closed.capitation_run_id
            from settle.closed as closed
        )
        and frozen.person_id is not null
    union
    select
        'all' as touched_code,
        person_id,
        $first_date as from_date
    from core.enrolment
    where $is_full and service_code = $service_code
    union
    select
        'all' as touched_code,
        person_id,
        $first_date as from_date
    from core.residence
    where $is_full and (select bool_or(closed.is_shadow_for_public) from settle.closed as closed)
),

final as (
    select
        touched_code,
        person_id,
        cast(min(edge_date) as date) as from_date
    from moved_edge
    group by touched_code, person_id
    having min(edge_date) < $list_month
    union all
    select
        touched_code,
        person_id,
        $first_date as from_date
    from settle.register_change
    union all
    select
        touched_code,
        person_id,
        $first_date as from_date
    from settle.reference_change
    union all
    select *
    from everybody
)

select
    person_id,
    touched_code,
    from_date
from final
