-- grain: One row per voucher provider and service it is approved for, as known now.
-- key: [voucher_provider_id, service_code]
-- purpose: client work
-- may_be_empty: the source may not have begun to send
with
provider as (
    select
        *,
        -- A sole trader is a natural person, whose name and id are personal data.
        strpos(concat(' ', lower(provider_name), ' '), ' tmi ') > 0 as is_natural_person,
        (
            7 * cast(substr(business_id, 1, 1) as integer)
            + 9 * cast(substr(business_id, 2, 1) as integer)
            + 10 * cast(substr(business_id, 3, 1) as integer)
            + 5 * cast(substr(business_id, 4, 1) as integer)
            + 8 * cast(substr(business_id, 5, 1) as integer)
            + 4 * cast(substr(business_id, 6, 1) as integer)
            + 2 * cast(substr(business_id, 7, 1) as integer)
        )
        % 11 as remainder
    from core.voucher_provider
    where known_to_seq is null
),

by_service as (
    select
        provider.*,
        unnest(string_split(provider.service_codes, ',')) as service_code
    from provider
),

-- Newest permit of the firm's listed sites; of firms that are not listed nothing is known.
permitted as (
    select
        firm.business_id,
        voucher_permit.service_code,
        count(permit.permit_code) as permit_count,
        max(permit.valid_from_date) as permit_from_date,
        max(coalesce(permit.valid_to_date, date '9999-12-31')) as permit_to_date
    from core.provider as firm
    cross join rulebook.voucher_permit as voucher_permit
    left join core.site as site on firm.provider_id = site.provider_id
    left join core.permit as permit
        on
            site.site_id = permit.site_id
            and voucher_permit.permit_service_code = permit.service_code
    group by firm.business_id, voucher_permit.service_code
),

-- A remainder of 1 has no check digit, and one of 0 has 0.
final as (
    select distinct
        by_service.voucher_provider_id,
        by_service.service_code,
        case when by_service.is_natural_person then null else by_service.business_id end
            as business_id,
        case when by_service.is_natural_person then null else by_service.provider_name end
            as provider_name,
        by_service.is_natural_person,
        by_service.remainder <> 1
        and cast(substr(by_service.business_id, 9, 1) as integer)
        = case by_service.remainder when 0 then 0 else 11 - by_service.remainder end
            as is_business_id_sound,
        by_service.sector_code,
        -- A public producer is paid the voucher's value as a transfer.
        case by_service.sector_code when 'public' then 'transfer' else 'voucher' end
            as payment_instrument_code,
        by_service.facilitator_provider_id,
        by_service.municipality_code,
        by_service.language_codes,
        by_service.valid_from_date,
        by_service.valid_to_date,
        case
            when by_service.sector_code = 'public' or voucher_permit.service_code is null
                then 'not_required'
            when permitted.business_id is null then 'not_known'
            when permitted.permit_count = 0 then 'missing'
            else 'held'
        end as permit_state_code,
        case when permitted.permit_count > 0 then permitted.permit_from_date end
            as permit_from_date,
        case
            when
                permitted.permit_count > 0 and permitted.permit_to_date < date '9999-12-31'
                then permitted.permit_to_date
        end as permit_to_date
    from by_service
    left join rulebook.voucher_permit as voucher_permit
        on by_service.service_code = voucher_permit.service_code
    left join permitted
        on
            by_service.business_id = permitted.business_id
            and by_service.service_code = permitted.service_code
)

select
    voucher_provider_id,
    service_code,
    business_id,
    provider_name,
    is_natural_person,
    is_business_id_sound,
    sector_code,
    payment_instrument_code,
    facilitator_provider_id,
    municipality_code,
    language_codes,
    valid_from_date,
    valid_to_date,
    permit_state_code,
    permit_from_date,
    permit_to_date
from final
