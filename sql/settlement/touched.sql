-- Who may be listed otherwise in closed months than was settled: of whom a choice, a stay or the
-- person has been restated since the settlement before.
with
choice as (
    select distinct
        person_id,
        'choice' as touched_code
    from core.enrolment
    where
        service_code = $service_code
        and valid_from_date < $list_month
        and (
            (
                known_from_seq > $earlier_enrolment_sequence
                and known_from_seq <= $enrolment_sequence
            )
            or (
                known_to_seq > $earlier_enrolment_sequence
                and known_to_seq <= $enrolment_sequence
            )
        )
),

stay as (
    select distinct
        person_id,
        'stay' as touched_code
    from core.residence
    where
        valid_from_date < $list_month
        and (
            (
                known_from_seq > $earlier_register_sequence
                and known_from_seq <= $register_sequence
            )
            or (
                known_to_seq > $earlier_register_sequence
                and known_to_seq <= $register_sequence
            )
        )
),

-- Nobody changes sex or grows younger from one month to the next, unless the register was wrong.
person as (
    select distinct
        listed.person_id,
        'person' as touched_code
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
    select distinct
        person_id,
        'all' as touched_code
    from ledger.frozen_list
    where $is_full and rulebook_id = $rulebook_id and person_id is not null
    union
    select
        person_id,
        'all' as touched_code
    from core.enrolment
    where $is_full and service_code = $service_code
    union
    select
        person_id,
        'all' as touched_code
    from core.residence
    where $is_full and $is_shadow_for_public
),

final as (
    select *
    from choice
    union all
    select *
    from stay
    union all
    select *
    from person
    union all
    select *
    from everybody
)

select
    person_id,
    touched_code
from final
