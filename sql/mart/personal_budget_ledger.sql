-- grain: One row per client, service, decision (or none) and month, as it stood at its end.
-- key: [person_id, service_code, budget_decision_id, budget_month]
-- purpose: client work
-- may_be_empty: the source may not have begun to send
with
covered as (
    select cast(date_trunc('month', max(covers_to_date)) as date) as last_month
    from effective.delivery
    where source = 'smartum' and table_name in ('budgets', 'transactions')
),

decision as (
    select
        budget_decision_id,
        budget_group_code,
        valid_to_date
    from core.budget_decision
    where known_to_seq is null
),

account as (
    select
        person_id,
        service_code,
        budget_decision_id,
        min(budget_month) as first_month,
        max(budget_month) as last_entry_month
    from core.voucher_entry
    group by person_id, service_code, budget_decision_id
),

-- From the first entry until the budget has ended and the last entry is made.
spanned as (
    select
        account.person_id,
        account.service_code,
        account.budget_decision_id,
        account.first_month,
        least(
            covered.last_month,
            greatest(
                account.last_entry_month,
                coalesce(
                    cast(date_trunc('month', decision.valid_to_date - 1) as date),
                    account.last_entry_month
                )
            )
        ) as last_month
    from account
    cross join covered
    left join decision on account.budget_decision_id = decision.budget_decision_id
),

-- Every month has a row, whether or not anything is booked in it.
moved as (
    select
        person_id,
        service_code,
        budget_decision_id,
        cast(
            unnest(generate_series(first_month, last_month, interval 1 month)) as date
        ) as budget_month,
        cast(0 as decimal(18, 2)) as granted_eur,
        cast(0 as decimal(18, 2)) as reserved_eur,
        cast(0 as decimal(18, 2)) as paid_eur,
        cast(0 as decimal(18, 2)) as returned_eur,
        cast(0 as decimal(18, 2)) as client_share_eur
    from spanned
    where first_month <= last_month
    union all
    select
        entry.person_id,
        entry.service_code,
        entry.budget_decision_id,
        entry.budget_month,
        entry.granted_eur,
        entry.reserved_eur,
        entry.paid_eur,
        entry.returned_eur,
        entry.client_share_eur
    from core.voucher_entry as entry
    cross join covered
    where entry.budget_month <= covered.last_month
),

monthly as (
    select
        person_id,
        service_code,
        budget_decision_id,
        budget_month,
        sum(granted_eur) as granted_eur,
        sum(reserved_eur) as reserved_eur,
        sum(paid_eur) as paid_eur,
        sum(returned_eur) as returned_eur,
        sum(client_share_eur) as client_share_eur
    from moved
    group by person_id, service_code, budget_decision_id, budget_month
),

balance as (
    select
        person_id,
        service_code,
        budget_decision_id,
        budget_month,
        sum(granted_eur) over so_far as granted_eur,
        sum(reserved_eur) over so_far as reserved_eur,
        sum(paid_eur) over so_far as paid_eur,
        sum(returned_eur) over so_far as returned_eur,
        sum(client_share_eur) over so_far as client_share_eur
    from monthly
    window so_far as (
        partition by person_id, service_code, budget_decision_id
        order by budget_month
        rows between unbounded preceding and current row
    )
),

-- Who pays by the ledger pays nothing of a month that does not agree with the sender's totals.
stated as (
    select
        booked_month,
        bool_and(is_reconciled) as is_month_reconciled
    from core.voucher_statement
    group by booked_month
),

final as (
    select
        balance.person_id,
        balance.service_code,
        balance.budget_decision_id,
        decision.budget_group_code,
        balance.budget_month,
        cast(balance.granted_eur as decimal(18, 2)) as granted_eur,
        cast(balance.reserved_eur as decimal(18, 2)) as reserved_eur,
        cast(balance.paid_eur as decimal(18, 2)) as paid_eur,
        cast(balance.returned_eur as decimal(18, 2)) as returned_eur,
        cast(
            balance.granted_eur - balance.reserved_eur - balance.paid_eur + balance.returned_eur
            as decimal(18, 2)
        ) as remaining_eur,
        cast(balance.client_share_eur as decimal(18, 2)) as client_share_eur,
        coalesce(stated.is_month_reconciled, false) as is_month_reconciled
    from balance
    left join decision on balance.budget_decision_id = decision.budget_decision_id
    left join stated on balance.budget_month = stated.booked_month
)

select
    person_id,
    service_code,
    budget_decision_id,
    budget_group_code,
    budget_month,
    granted_eur,
    reserved_eur,
    paid_eur,
    returned_eur,
    remaining_eur,
    client_share_eur,
    is_month_reconciled
from final
