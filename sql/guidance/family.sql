-- Families that are one client in the newest month: what their members hold together.
with
newest as (
    select max(budget_month) as budget_month
    from mart.family_budget
)

select
    family.contact_person_id,
    cast(family.family_id as varchar) as item_code,
    family.budget_month,
    family.member_count,
    family.child_count,
    family.holder_count,
    family.doubled_service_count,
    family.granted_eur,
    family.paid_eur,
    family.reserved_eur,
    family.remaining_eur
from mart.family_budget as family
inner join newest on family.budget_month = newest.budget_month
order by family.doubled_service_count desc, family.family_id asc
