-- grain: One row per person's time in a family that is one client; a protected person is in none.
-- key: [family_member_id]
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        family.family_member_id,
        family.family_id,
        coalesce(person_alias.person_id, family.person_id) as person_id,
        family.member_role_code,
        family.valid_from_date,
        family.valid_to_date,
        family.delivery_sequence,
        family.record_number
    from current.families as family
    left join core.person_alias as person_alias
        on family.person_id = person_alias.alias_person_id
)

select
    family_member_id,
    family_id,
    person_id,
    member_role_code,
    valid_from_date,
    valid_to_date,
    delivery_sequence,
    record_number
from final
