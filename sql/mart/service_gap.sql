-- grain: One row per voucher service and municipality of the area, with what is offered and needed.
-- key: [service_code, municipality_code]
-- purpose: knowledge management
with
newest_occasion as (
    select
        person_id,
        max(proposed_from_date) as proposed_from_date
    from core.personal_budget_need
    group by person_id
),

newest_month as (
    select max(exposure_month) as exposure_month
    from core.register_month
),

home as (
    select
        person_month.person_id,
        person_month.municipality_code
    from core.person_month as person_month
    inner join newest_month on person_month.exposure_month = newest_month.exposure_month
),

-- Whose home is not told, being protected, is in no municipality's count.
needed as (
    select
        need.service_code,
        home.municipality_code,
        cast(count(distinct need.person_id) as bigint) as needed_count,
        cast(
            count(distinct case when person.language_code = 'sv' then need.person_id end)
            as bigint
        ) as needed_sv_count
    from core.personal_budget_need as need
    inner join newest_occasion
        on
            need.person_id = newest_occasion.person_id
            and need.proposed_from_date = newest_occasion.proposed_from_date
    inner join home on need.person_id = home.person_id
    left join core.person as person on need.person_id = person.person_id
    where need.class_number > 0
    group by need.service_code, home.municipality_code
),

offered as (
    select
        service_code,
        municipality_code,
        cast(count(voucher_provider_id) as bigint) as provider_count,
        cast(
            count(
                case
                    when strpos(concat(',', language_codes, ','), ',sv,') > 0
                        then voucher_provider_id
                end
            ) as bigint
        ) as provider_sv_count,
        cast(count(service_id) as bigint) as catalogue_count,
        min(unit_price_eur) as least_price_eur,
        cast(round(median(unit_price_eur), 2) as decimal(18, 2)) as median_price_eur,
        max(unit_price_eur) as greatest_price_eur
    from mart.service_menu
    group by service_code, municipality_code
),

-- Own cost of a unit in the newest year that has one, where it is counted alike.
own as (
    select
        service.service_code,
        arg_max(unit_cost.unit_cost_eur, unit_cost.calendar_year) as own_unit_cost_eur
    from rulebook.voucher_service as service
    inner join rulebook.voucher_service_match as match
        on service.service_code = match.service_code
    inner join core.unit_cost as unit_cost
        on
            match.costed_service_code = unit_cost.price_code
            and service.voucher_unit_code = unit_cost.cost_unit_code
            and unit_cost.cost_source_code = 'own'
    where unit_cost.unit_cost_eur is not null
    group by service.service_code
),

final as (
    select
        service.service_code,
        municipality.municipality_code,
        coalesce(needed.needed_count, 0) as needed_count,
        coalesce(offered.provider_count, 0) as provider_count,
        coalesce(offered.provider_sv_count, 0) as provider_sv_count,
        coalesce(offered.catalogue_count, 0) as catalogue_count,
        offered.least_price_eur,
        offered.median_price_eur,
        offered.greatest_price_eur,
        own.own_unit_cost_eur,
        coalesce(needed.needed_count, 0) > 0 and coalesce(offered.provider_count, 0) = 0
            as is_gap,
        coalesce(needed.needed_sv_count, 0) > 0 and coalesce(offered.provider_sv_count, 0) = 0
            as is_language_gap
    from rulebook.voucher_service as service
    cross join core.municipality as municipality
    left join needed
        on
            service.service_code = needed.service_code
            and municipality.municipality_code = needed.municipality_code
    left join offered
        on
            service.service_code = offered.service_code
            and municipality.municipality_code = offered.municipality_code
    left join own on service.service_code = own.service_code
    where municipality.is_trial_area
)

select
    service_code,
    municipality_code,
    needed_count,
    provider_count,
    provider_sv_count,
    catalogue_count,
    least_price_eur,
    median_price_eur,
    greatest_price_eur,
    own_unit_cost_eur,
    is_gap,
    is_language_gap
from final
