-- grain: One row per authorisation of a client to buy a service from a provider.
-- key: [purchase_authorisation_id]
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        authorisation.purchase_authorisation_id,
        coalesce(person_alias.person_id, authorisation.person_id) as person_id,
        authorisation.voucher_provider_id,
        authorisation.service_code,
        authorisation.valid_from_date,
        authorisation.valid_to_date,
        authorisation.decided_date,
        authorisation.delivery_sequence,
        authorisation.record_number
    from current.purchase_authorisations as authorisation
    left join core.person_alias as person_alias
        on authorisation.person_id = person_alias.alias_person_id
)

select
    purchase_authorisation_id,
    person_id,
    voucher_provider_id,
    service_code,
    valid_from_date,
    valid_to_date,
    decided_date,
    delivery_sequence,
    record_number
from final
