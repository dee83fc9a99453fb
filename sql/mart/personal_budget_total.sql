-- grain: One row per month, client group, service and municipality, with balances of all clients.
-- key: [budget_month, budget_group_code, service_code, municipality_code]
-- purpose: knowledge management
-- may_be_empty: the source may not have begun to send
with
-- Who is protected, or has left, is counted where no municipality is told.
placed as (
    select
        ledger.*,
        person_month.municipality_code
    from mart.personal_budget_ledger as ledger
    left join core.person_month as person_month
        on
            ledger.person_id = person_month.person_id
            and ledger.budget_month = person_month.exposure_month
),

final as (
    select
        budget_month,
        budget_group_code,
        service_code,
        municipality_code,
        cast(count(distinct person_id) as bigint) as client_count,
        cast(sum(granted_eur) as decimal(18, 2)) as granted_eur,
        cast(sum(reserved_eur) as decimal(18, 2)) as reserved_eur,
        cast(sum(paid_eur) as decimal(18, 2)) as paid_eur,
        cast(sum(returned_eur) as decimal(18, 2)) as returned_eur,
        cast(sum(remaining_eur) as decimal(18, 2)) as remaining_eur,
        cast(sum(client_share_eur) as decimal(18, 2)) as client_share_eur
    from placed
    group by budget_month, budget_group_code, service_code, municipality_code
)

select
    budget_month,
    budget_group_code,
    service_code,
    municipality_code,
    client_count,
    granted_eur,
    reserved_eur,
    paid_eur,
    returned_eur,
    remaining_eur,
    client_share_eur
from final
