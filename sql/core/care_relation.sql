-- grain: One row per person, service and day from which a professional was the person's own.
-- key: [person_id, service_code, valid_from_date]
-- may_be_empty: the source may not have begun to send
with
stated as (
    select
        coalesce(person_alias.person_id, named_professional.person_id) as person_id,
        named_professional.service_code,
        named_professional.valid_from_date,
        named_professional.valid_to_date,
        named_professional.professional_id,
        named_professional.profession_code,
        named_professional.updated_at,
        named_professional.delivery_sequence,
        named_professional.record_number
    from current.named_professional as named_professional
    left join core.person_alias as person_alias
        on named_professional.person_id = person_alias.alias_person_id
),

-- Under two codes of one person the same day may be stated twice: the newest word holds.
final as (
    select *
    from stated
    qualify row_number() over (
        partition by person_id, service_code, valid_from_date
        order by updated_at desc, delivery_sequence desc, record_number desc
    ) = 1
)

select
    person_id,
    service_code,
    valid_from_date,
    valid_to_date,
    professional_id,
    profession_code,
    delivery_sequence,
    record_number
from final
