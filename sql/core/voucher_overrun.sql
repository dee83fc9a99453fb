-- grain: One row per line of the voucher ledger that takes more than its budget has left.
-- key: [transaction_id]
-- may_be_empty: no budget may be overrun
with
account as (
    select
        person_id,
        service_code,
        budget_decision_id,
        sum(granted_eur) as granted_eur,
        sum(case when granted_eur = 0 and remaining_eur < 0 then -remaining_eur else 0 end)
            as taken_eur
    from core.voucher_entry
    where budget_decision_id is not null
    group by person_id, service_code, budget_decision_id
),

-- Whoever never took as much as was granted cannot have taken more.
suspect as (
    select
        person_id,
        service_code,
        budget_decision_id,
        granted_eur
    from account
    where taken_eur > granted_eur
),

moved as (
    select
        suspect.granted_eur,
        entry.person_id,
        entry.service_code,
        entry.budget_decision_id,
        entry.entry_kind_code,
        entry.event_id,
        entry.remaining_eur,
        line.transaction_id,
        line.booked_at
    from core.voucher_entry as entry
    inner join suspect
        on
            entry.person_id = suspect.person_id
            and entry.service_code = suspect.service_code
            and entry.budget_decision_id = suspect.budget_decision_id
    -- Grants are booked by no line; they count whole, as they are known now.
    inner join core.voucher_transaction as line
        on entry.booked_by_transaction_id = line.transaction_id
),

-- What is left after each line in the order of booking, its release before it.
running as (
    select
        entry_kind_code,
        transaction_id,
        remaining_eur,
        granted_eur + sum(remaining_eur) over (
            partition by person_id, service_code, budget_decision_id
            order by booked_at asc, transaction_id asc, entry_kind_code desc, event_id asc
            rows between unbounded preceding and current row
        ) as left_eur
    from moved
),

final as (
    select
        transaction_id,
        cast(least(-left_eur, -remaining_eur) as decimal(18, 2)) as beyond_eur
    from running
    where entry_kind_code = 'line' and left_eur < 0 and remaining_eur < 0
)

select
    transaction_id,
    beyond_eur
from final
