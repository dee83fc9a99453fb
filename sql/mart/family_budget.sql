-- grain: One row per family that is one client, and month in which a member held a budget.
-- key: [family_id, budget_month]
-- purpose: client work
-- may_be_empty: the source may not have begun to send
with
-- A member of the last day of the month counts for all of it.
held as (
    select
        member.family_id,
        ledger.budget_month,
        ledger.person_id,
        ledger.service_code,
        ledger.granted_eur,
        ledger.reserved_eur,
        ledger.paid_eur,
        ledger.returned_eur,
        ledger.remaining_eur,
        ledger.client_share_eur
    from mart.personal_budget_ledger as ledger
    inner join core.family_member as member on ledger.person_id = member.person_id
    where
        member.family_id is not null
        and member.valid_from_date <= last_day(ledger.budget_month)
        and coalesce(member.valid_to_date, date '9999-12-31') > last_day(ledger.budget_month)
        and ledger.budget_decision_id is not null
),

-- A service that two members were granted may be the same help twice.
by_service as (
    select
        family_id,
        budget_month,
        service_code,
        count(distinct person_id) as holder_count
    from held
    where granted_eur > 0
    group by family_id, budget_month, service_code
),

doubled as (
    select
        family_id,
        budget_month,
        count(*) as doubled_service_count
    from by_service
    where holder_count > 1
    group by family_id, budget_month
),

summed as (
    select
        family_id,
        budget_month,
        count(distinct person_id) as holder_count,
        cast(sum(granted_eur) as decimal(18, 2)) as granted_eur,
        cast(sum(reserved_eur) as decimal(18, 2)) as reserved_eur,
        cast(sum(paid_eur) as decimal(18, 2)) as paid_eur,
        cast(sum(returned_eur) as decimal(18, 2)) as returned_eur,
        cast(sum(remaining_eur) as decimal(18, 2)) as remaining_eur,
        cast(sum(client_share_eur) as decimal(18, 2)) as client_share_eur
    from held
    group by family_id, budget_month
),

-- Whom a guide turns to: of the adults, else of all, the one with the least number.
belonging as (
    select
        summed.family_id,
        summed.budget_month,
        count(distinct member.person_id) as member_count,
        count(distinct case when member.member_role_code = 'child' then member.person_id end)
            as child_count,
        coalesce(
            min(case when member.member_role_code = 'adult' then member.person_id end),
            min(member.person_id)
        ) as contact_person_id
    from summed
    inner join core.family_member as member on summed.family_id = member.family_id
    where
        member.valid_from_date <= last_day(summed.budget_month)
        and coalesce(member.valid_to_date, date '9999-12-31') > last_day(summed.budget_month)
    group by summed.family_id, summed.budget_month
),

final as (
    select
        summed.*,
        belonging.contact_person_id,
        belonging.member_count,
        belonging.child_count,
        coalesce(doubled.doubled_service_count, 0) as doubled_service_count
    from summed
    -- Who holds a budget is a member: the join loses no family.
    inner join belonging
        on
            summed.family_id = belonging.family_id
            and summed.budget_month = belonging.budget_month
    left join doubled
        on
            summed.family_id = doubled.family_id
            and summed.budget_month = doubled.budget_month
)

select
    family_id,
    budget_month,
    contact_person_id,
    member_count,
    child_count,
    holder_count,
    doubled_service_count,
    granted_eur,
    reserved_eur,
    paid_eur,
    returned_eur,
    remaining_eur,
    client_share_eur
from final
