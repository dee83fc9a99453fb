-- grain: One row per line of the voucher ledger, in its newest version; none is left out.
-- key: [transaction_id]
-- may_be_empty: the source may not have begun to send
with
line as (
    select
        transactions.*,
        coalesce(person_alias.person_id, transactions.person_id) as client_person_id
    from current.transactions as transactions
    left join core.person_alias as person_alias
        on transactions.person_id = person_alias.alias_person_id
),

-- Money is judged by what is known now; what was known at a cut-off is asked of these tables.
decision as (
    select *
    from core.budget_decision
    where known_to_seq is null
),

provider as (
    select *
    from core.voucher_provider
    where known_to_seq is null
),

price as (
    select *
    from core.service_price
    where known_to_seq is null
),

reversed as (
    select distinct refers_to_transaction_id as transaction_id
    from line
    where transaction_kind_code = 'reversal'
),

final as (
    select
        line.transaction_id,
        line.client_person_id as person_id,
        line.budget_decision_id,
        line.voucher_provider_id,
        line.service_code,
        line.unit_code,
        line.quantity,
        line.unit_price_eur,
        line.amount_eur,
        line.client_share_eur,
        line.transaction_kind_code,
        line.refers_to_transaction_id,
        line.service_date,
        line.booked_at,
        civil_date(line.booked_at) as booked_date,
        cast(date_trunc('month', civil_date(line.booked_at)) as date) as booked_month,
        case
            when line.budget_decision_id is null then 'none'
            when decision.budget_decision_id is null then 'unknown'
            when decision.person_id <> line.client_person_id then 'other_person'
            when decision.service_code <> line.service_code then 'other_service'
            when
                line.service_date < decision.valid_from_date
                or line.service_date >= decision.valid_to_date
                then 'outside_dates'
            else 'matched'
        end as budget_match_code,
        case
            when line.voucher_provider_id is null then 'hidden'
            when provider.voucher_provider_id is null then 'unknown'
            when
                line.service_date < provider.valid_from_date
                or line.service_date >= coalesce(provider.valid_to_date, date '9999-12-31')
                then 'not_approved'
            when
                strpos(
                    concat(',', provider.service_codes, ','), concat(',', line.service_code, ',')
                ) = 0
                then 'other_service'
            else 'approved'
        end as provider_match_code,
        price.unit_price_eur as agreed_price_eur,
        line.unit_price_eur > price.unit_price_eur as is_above_agreed_price,
        case
            when line.refers_to_transaction_id is null then null
            when referred.transaction_id is null then 'unknown'
            when referred.client_person_id <> line.client_person_id then 'other_person'
            else 'found'
        end as reference_match_code,
        reversed.transaction_id is not null as is_reversed,
        line.delivery_sequence,
        line.record_number
    from line
    left join decision on line.budget_decision_id = decision.budget_decision_id
    left join provider on line.voucher_provider_id = provider.voucher_provider_id
    -- Prices of one provider, service and unit do not overlap: at most one holds on a day.
    left join price
        on
            line.voucher_provider_id = price.voucher_provider_id
            and line.service_code = price.service_code
            and line.unit_code = price.unit_code
            and line.service_date >= price.valid_from_date
            and line.service_date < coalesce(price.valid_to_date, date '9999-12-31')
    left join line as referred on line.refers_to_transaction_id = referred.transaction_id
    left join reversed on line.transaction_id = reversed.transaction_id
)

select
    transaction_id,
    person_id,
    budget_decision_id,
    voucher_provider_id,
    service_code,
    unit_code,
    quantity,
    unit_price_eur,
    amount_eur,
    client_share_eur,
    transaction_kind_code,
    refers_to_transaction_id,
    service_date,
    booked_at,
    booked_date,
    booked_month,
    budget_match_code,
    provider_match_code,
    agreed_price_eur,
    is_above_agreed_price,
    reference_match_code,
    is_reversed,
    delivery_sequence,
    record_number
from final
