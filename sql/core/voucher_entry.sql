-- grain: One row per entry of the ledger of budgets, balanced in itself.
-- key: [entry_kind_code, event_id, known_from_seq]
-- may_be_empty: the source may not have begun to send
with
-- Each word on a decision replaces the one before it, on the day from which it counts.
version as (
    select
        budget_decision_id,
        person_id,
        service_code,
        granted_eur,
        greatest(valid_from_date, decided_date) as posted_date,
        known_from_seq,
        lag(person_id) over spoken as replaced_person,
        lag(service_code) over spoken as replaced_service_code,
        lag(granted_eur) over spoken as replaced_eur
    from core.budget_decision
    window spoken as (partition by budget_decision_id order by known_from_seq)
),

-- Lines that speak of another line of the same client; of those on reservations some change it.
following as (
    select
        line.transaction_id,
        line.transaction_kind_code,
        line.amount_eur,
        line.booked_at,
        line.booked_date,
        line.delivery_sequence,
        referred.transaction_id as referred_transaction_id,
        referred.transaction_kind_code as referred_kind_code,
        referred.person_id as referred_person,
        referred.service_code as referred_service_code,
        case
            when referred.budget_match_code in ('matched', 'outside_dates')
                then referred.budget_decision_id
        end as referred_decision,
        referred.amount_eur as referred_eur
    from core.voucher_transaction as line
    inner join core.voucher_transaction as referred
        on line.refers_to_transaction_id = referred.transaction_id
    where line.reference_match_code = 'found'
),

changed as (
    select
        referred_transaction_id,
        cast(sum(amount_eur) as decimal(18, 2)) as change_eur
    from following
    where
        transaction_kind_code in ('correction', 'reversal')
        and referred_kind_code = 'reservation'
    group by referred_transaction_id
),

-- What is left of a reservation is let go by the first payment that redeems it.
releasing as (
    select *
    from following
    where transaction_kind_code = 'payment' and referred_kind_code = 'reservation'
    qualify row_number() over (
        partition by referred_transaction_id
        order by booked_at, transaction_id
    ) = 1
),

-- Whatever corrects or reverses a line goes to that line's account.
turned as (
    select
        transaction_id,
        referred_kind_code
    from following
    where transaction_kind_code in ('correction', 'reversal')
),

-- A line moves its own amount, on one account; so entries add up to the sender's sums. What names
-- no budget of its client and service is booked beside all budgets, and is not lost.
line as (
    select
        line.transaction_id,
        line.person_id,
        line.service_code,
        case
            when line.budget_match_code in ('matched', 'outside_dates')
                then line.budget_decision_id
        end as budget_decision_id,
        line.booked_date,
        line.delivery_sequence,
        line.amount_eur,
        line.client_share_eur,
        case
            when line.transaction_kind_code in ('reservation', 'return')
                then line.transaction_kind_code
            else coalesce(turned.referred_kind_code, '')
        end as account_code
    from core.voucher_transaction as line
    left join turned on line.transaction_id = turned.transaction_id
),

entry as (
    select
        'grant' as entry_kind_code,
        budget_decision_id as event_id,
        known_from_seq,
        person_id,
        service_code,
        budget_decision_id,
        cast(null as bigint) as booked_by_transaction_id,
        posted_date,
        granted_eur,
        cast(0 as decimal(18, 2)) as reserved_eur,
        cast(0 as decimal(18, 2)) as paid_eur,
        cast(0 as decimal(18, 2)) as returned_eur,
        cast(0 as decimal(18, 2)) as client_share_eur
    from version
    union all
    select
        'replaced_grant' as entry_kind_code,
        budget_decision_id as event_id,
        known_from_seq,
        replaced_person as person_id,
        replaced_service_code as service_code,
        budget_decision_id,
        cast(null as bigint) as booked_by_transaction_id,
        posted_date,
        -replaced_eur as granted_eur,
        cast(0 as decimal(18, 2)) as reserved_eur,
        cast(0 as decimal(18, 2)) as paid_eur,
        cast(0 as decimal(18, 2)) as returned_eur,
        cast(0 as decimal(18, 2)) as client_share_eur
    from version
    where replaced_eur is not null
    union all
    select
        'release' as entry_kind_code,
        releasing.referred_transaction_id as event_id,
        releasing.delivery_sequence as known_from_seq,
        releasing.referred_person as person_id,
        releasing.referred_service_code as service_code,
        releasing.referred_decision as budget_decision_id,
        releasing.transaction_id as booked_by_transaction_id,
        releasing.booked_date as posted_date,
        cast(0 as decimal(18, 2)) as granted_eur,
        -(releasing.referred_eur + coalesce(changed.change_eur, cast(0 as decimal(18, 2))))
            as reserved_eur,
        cast(0 as decimal(18, 2)) as paid_eur,
        cast(0 as decimal(18, 2)) as returned_eur,
        cast(0 as decimal(18, 2)) as client_share_eur
    from releasing
    left join changed on releasing.referred_transaction_id = changed.referred_transaction_id
    union all
    select
        'line' as entry_kind_code,
        transaction_id as event_id,
        delivery_sequence as known_from_seq,
        person_id,
        service_code,
        budget_decision_id,
        transaction_id as booked_by_transaction_id,
        booked_date as posted_date,
        cast(0 as decimal(18, 2)) as granted_eur,
        case when account_code = 'reservation' then amount_eur else cast(0 as decimal(18, 2)) end
            as reserved_eur,
        case
            when account_code not in ('reservation', 'return') then amount_eur
            else cast(0 as decimal(18, 2))
        end as paid_eur,
        case when account_code = 'return' then -amount_eur else cast(0 as decimal(18, 2)) end
            as returned_eur,
        client_share_eur
    from line
),

final as (
    select
        entry_kind_code,
        event_id,
        known_from_seq,
        person_id,
        service_code,
        budget_decision_id,
        booked_by_transaction_id,
        posted_date,
        cast(date_trunc('month', posted_date) as date) as budget_month,
        granted_eur,
        cast(reserved_eur as decimal(18, 2)) as reserved_eur,
        paid_eur,
        returned_eur,
        cast(granted_eur - reserved_eur - paid_eur + returned_eur as decimal(18, 2))
            as remaining_eur,
        client_share_eur
    from entry
)

select
    entry_kind_code,
    event_id,
    known_from_seq,
    person_id,
    service_code,
    budget_decision_id,
    booked_by_transaction_id,
    posted_date,
    budget_month,
    granted_eur,
    reserved_eur,
    paid_eur,
    returned_eur,
    remaining_eur,
    client_share_eur
from final
