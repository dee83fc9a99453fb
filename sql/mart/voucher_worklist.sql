-- grain: One row per line of the voucher ledger and reason to look at it, and what came of it.
-- key: [transaction_id, reason_code]
-- purpose: client work
-- may_be_empty: every line may be in order
with
-- Of firms whose sites the organiser lists; others hold permits that no source tells of.
firm as (
    select distinct
        business_id,
        provider_id
    from core.provider
),

provider as (
    select
        voucher_provider_id,
        business_id
    from core.voucher_provider
    where known_to_seq is null and sector_code <> 'public'
),

permitted as (
    select
        provider.voucher_provider_id,
        voucher_permit.service_code,
        permit.valid_from_date,
        permit.valid_to_date
    from provider
    inner join firm on provider.business_id = firm.business_id
    cross join rulebook.voucher_permit as voucher_permit
    left join core.site as site on firm.provider_id = site.provider_id
    left join core.permit as permit
        on
            site.site_id = permit.site_id
            and voucher_permit.permit_service_code = permit.service_code
),

permit_state as (
    select
        line.transaction_id,
        count(permitted.valid_from_date) > 0 as has_permit,
        coalesce(
            bool_or(
                line.service_date >= permitted.valid_from_date
                and line.service_date < coalesce(permitted.valid_to_date, date '9999-12-31')
            ),
            false
        ) as is_permitted
    from core.voucher_transaction as line
    inner join permitted
        on
            line.voucher_provider_id = permitted.voucher_provider_id
            and line.service_code = permitted.service_code
    group by line.transaction_id
),

-- Of services that are bought by authorisation, once any has been sent: whether the client has one
-- for the provider, and one in force on the day. A protected client's are without a provider.
sent as (
    select count(*) as authorisation_count
    from core.purchase_authorisation
),

authorised as (
    select
        line.transaction_id,
        count(held.purchase_authorisation_id) > 0 as has_authorisation,
        coalesce(
            bool_or(
                line.service_date >= held.valid_from_date and line.service_date < held.valid_to_date
            ),
            false
        ) as is_authorised
    from core.voucher_transaction as line
    inner join rulebook.voucher_authorisation as due on line.service_code = due.service_code
    cross join sent
    left join core.purchase_authorisation as held
        on
            line.person_id = held.person_id
            and line.service_code = held.service_code
            and coalesce(line.voucher_provider_id, '') = coalesce(held.voucher_provider_id, '')
    where sent.authorisation_count > 0 and line.transaction_kind_code in ('reservation', 'payment')
    group by line.transaction_id
),

judged as (
    select
        line.*,
        overrun.beyond_eur,
        permit_state.has_permit,
        permit_state.is_permitted,
        authorised.has_authorisation,
        authorised.is_authorised
    from core.voucher_transaction as line
    left join core.voucher_overrun as overrun on line.transaction_id = overrun.transaction_id
    left join permit_state on line.transaction_id = permit_state.transaction_id
    left join authorised on line.transaction_id = authorised.transaction_id
),

flagged as (
    select
        judged.transaction_id,
        concat(cast(judged.transaction_id as varchar), '.', reason.reason_code) as item_code,
        reason.reason_code,
        judged.person_id,
        judged.budget_decision_id,
        judged.voucher_provider_id,
        judged.service_code,
        judged.transaction_kind_code,
        judged.service_date,
        judged.booked_month,
        judged.amount_eur,
        judged.client_share_eur,
        -- What is in question, where the reason tells how much.
        cast(
            case reason.reason_code
                when 'beyond_budget' then judged.beyond_eur
                when 'above_agreed_price'
                    then
                        round(
                            cast(judged.quantity as decimal(38, 2))
                            * (judged.unit_price_eur - judged.agreed_price_eur),
                            2
                        )
            end as decimal(18, 2)
        ) as excess_eur,
        judged.is_reversed,
        reason.text_fi,
        reason.text_sv,
        reason.text_en
    from judged
    cross join rulebook.voucher_reason as reason
    where
        case reason.reason_code
            when 'no_budget' then judged.budget_match_code = 'none'
            when 'unknown_budget' then judged.budget_match_code = 'unknown'
            when 'budget_of_other_person' then judged.budget_match_code = 'other_person'
            when 'budget_of_other_service' then judged.budget_match_code = 'other_service'
            when 'outside_dates' then judged.budget_match_code = 'outside_dates'
            when 'beyond_budget' then judged.beyond_eur is not null
            when 'unknown_provider' then judged.provider_match_code = 'unknown'
            when 'unapproved_provider'
                then judged.provider_match_code in ('not_approved', 'other_service')
            when 'permit_missing' then not judged.has_permit
            when 'permit_expired' then judged.has_permit and not judged.is_permitted
            when 'authorisation_missing' then not judged.has_authorisation
            when 'authorisation_expired'
                then judged.has_authorisation and not judged.is_authorised
            when 'no_agreed_price'
                then judged.agreed_price_eur is null and judged.provider_match_code = 'approved'
            when 'above_agreed_price' then judged.is_above_agreed_price
            when 'unknown_reference'
                then judged.reference_match_code in ('unknown', 'other_person')
        end
),

-- What guides found of an item that was delivered to them; it may be taken back.
settled as (
    select
        item_code,
        outcome_code,
        outcome_date
    from core.guidance_outcome
    where target_code = 'voucher_worklist' and outcome_code is not null
    qualify row_number() over (
        partition by item_code order by outcome_date desc, outcome_id desc
    ) = 1
),

final as (
    select
        flagged.*,
        settled.outcome_code,
        settled.outcome_date as closed_date
    from flagged
    left join settled on flagged.item_code = settled.item_code
)

select
    transaction_id,
    reason_code,
    item_code,
    person_id,
    budget_decision_id,
    voucher_provider_id,
    service_code,
    transaction_kind_code,
    service_date,
    booked_month,
    amount_eur,
    client_share_eur,
    excess_eur,
    is_reversed,
    text_fi,
    text_sv,
    text_en,
    outcome_code,
    closed_date
from final
