-- grain: One row per service on offer, place, and voucher provider or entry of the catalogue.
-- key: [service_code, municipality_code, voucher_provider_id, service_id]
-- purpose: client work
-- may_be_empty: neither source may have begun to send
with
covered as (
    select max(covers_to_date) as as_of_date
    from effective.delivery
    where source in ('smartum', 'ptv')
),

price as (
    select
        service_price.voucher_provider_id,
        service_price.service_code,
        service_price.unit_code,
        service_price.unit_price_eur,
        service_price.valid_from_date
    from core.service_price as service_price
    cross join covered
    where
        service_price.known_to_seq is null
        and service_price.valid_from_date <= covered.as_of_date
        and coalesce(service_price.valid_to_date, date '9999-12-31') > covered.as_of_date
),

-- Of a service that is priced in several units the newest price, then the first unit.
agreed as (
    select *
    from price
    qualify row_number() over (
        partition by voucher_provider_id, service_code
        order by valid_from_date desc, unit_code asc
    ) = 1
),

published as (
    select distinct
        match.service_code,
        offering.service_id,
        offering.business_id,
        offering.municipality_code,
        offering.name_fi,
        offering.language_codes
    from core.service_offering as offering
    cross join covered
    inner join rulebook.voucher_service_match as match
        on
            strpos(
                concat(',', offering.service_class_codes, ','),
                concat(',', match.catalogue_class_code, ',')
            )
            > 0
    where
        offering.valid_from_date <= covered.as_of_date
        and coalesce(offering.valid_to_date, date '9999-12-31') > covered.as_of_date
),

published_firm as (
    select distinct
        service_code,
        business_id
    from published
),

-- Of organisations that publish one service together the first by business id stands for all.
catalogue as (
    select *
    from published
    qualify row_number() over (
        partition by service_code, municipality_code, service_id
        order by business_id asc
    ) = 1
),

final as (
    select
        register.service_code,
        register.municipality_code,
        register.voucher_provider_id,
        cast(null as varchar) as service_id,
        register.provider_name as offer_name,
        register.sector_code,
        register.language_codes,
        agreed.unit_code,
        agreed.unit_price_eur,
        published_firm.business_id is not null as is_in_catalogue
    from mart.voucher_provider_register as register
    cross join covered
    left join agreed
        on
            register.voucher_provider_id = agreed.voucher_provider_id
            and register.service_code = agreed.service_code
    left join published_firm
        on
            register.business_id = published_firm.business_id
            and register.service_code = published_firm.service_code
    where
        register.valid_from_date <= covered.as_of_date
        and coalesce(register.valid_to_date, date '9999-12-31') > covered.as_of_date
    union all
    select
        service_code,
        municipality_code,
        cast(null as varchar) as voucher_provider_id,
        service_id,
        name_fi as offer_name,
        cast(null as varchar) as sector_code,
        language_codes,
        cast(null as varchar) as unit_code,
        cast(null as decimal(18, 2)) as unit_price_eur,
        true as is_in_catalogue
    from catalogue
)

select
    service_code,
    municipality_code,
    voucher_provider_id,
    service_id,
    offer_name,
    sector_code,
    language_codes,
    unit_code,
    unit_price_eur,
    is_in_catalogue
from final
