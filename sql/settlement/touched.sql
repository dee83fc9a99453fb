-- Who may be listed otherwise in closed months than was settled, and from which day on: of whom a
-- choice or a stay was restated since the settlement before, or the person. Starts and ends that
-- were known then and are known now cancel out; the first day that is left is the first that can
-- differ.
with
choice_version as (
    select
        person_id,
        concat(coalesce(provider_id, ''), '|', coalesce(site_id, '')) as place,
        valid_from_date,
        valid_to_date,
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
        is_known_now,
        $choice_delay_days as delay_days
    from choice_version
    where is_known_now <> is_known_then
    union all
    select
        'stay' as touched_code,
        person_id,
        place,
        valid_from_date,
        valid_to_date,
        is_known_now,
        0 as delay_days
    from stay_version
    where is_known_now <> is_known_then
),

edge as (
    select
        touched_code,
        person_id,
        place,
        'start' as edge_code,
        valid_from_date + delay_days as edge_date,
        case when is_known_now then 1 else -1 end as sign
    from restated
    where valid_to_date is distinct from valid_from_date
    union all
    select
        touched_code,
        person_id,
        place,
        'end' as edge_code,
        valid_to_date + delay_days as edge_date,
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

-- Nobody changes sex or grows younger from one month to the next, unless the register was wrong.
person as (
    select distinct
        'person' as touched_code,
        listed.person_id,
        $first_date as from_date
    from settle.listed as listed
    inner join ledger.frozen_list as frozen
        on
            frozen.list_month = $previous_month
            and frozen.rulebook_id = $rulebook_id
            and listed.person_id = frozen.person_id
    where frozen.sex_code <> listed.sex_code or frozen.age_from > listed.age_from
),

-- After a withdrawal, or a delivery that came out of its turn, everybody is compared.
everybody as (
    select
        'all' as touched_code,
        person_id,
        $first_date as from_date
    from ledger.frozen_list
    where $is_full and rulebook_id = $rulebook_id and person_id is not null
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
    where $is_full and $is_shadow_for_public
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
    select *
    from person
    union all
    select *
    from everybody
)

select
    person_id,
    touched_code,
    from_date
from final
