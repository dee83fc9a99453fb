-- Whose acts of closed months are others than were settled: one that was paid is no more, or one
-- that was not paid is there, done by a provider on whose list the person was. Who was on no list
-- of the provider is found by the choice that puts them there.
with
counted as (
    select
        fee.list_month,
        procedure.person_id,
        procedure.performed_date,
        site.provider_id,
        procedure.procedure_code,
        1 as act_count
    from core.procedure as procedure
    inner join settle.paid_act as fee
        on
            procedure.procedure_month = fee.list_month
            and procedure.procedure_code = fee.procedure_code
    inner join core.site as site
        on
            procedure.site_id = site.site_id
            and procedure.performed_date >= site.valid_from_date
            and (site.valid_to_date is null or procedure.performed_date < site.valid_to_date)
    union all
    select
        settled.list_month,
        settled.person_id,
        settled.performed_date,
        settled.provider_id,
        settled.procedure_code,
        -settled.act_count as act_count
    from settle.settled_act as settled
    inner join settle.paid_act as fee
        on
            settled.list_month = fee.list_month
            and settled.procedure_code = fee.procedure_code
),

difference as (
    select
        list_month,
        person_id,
        provider_id,
        sum(act_count) as act_count
    from counted
    group by list_month, person_id, performed_date, provider_id, procedure_code
    having sum(act_count) <> 0
),

more as (
    select distinct
        list_month,
        person_id,
        provider_id
    from difference
    where act_count > 0
),

on_list as (
    select
        list_month,
        person_id,
        provider_id
    from ledger.frozen_list
    where
        capitation_run_id in (select closed.capitation_run_id from settle.closed as closed)
        and status_code = 'paid'
        and list_month in (select more.list_month from more)
    union all
    select
        list_month,
        person_id,
        provider_id
    from ledger.frozen_change
    where
        capitation_run_id in (select closed.capitation_run_id from settle.closed as closed)
        and person_days > 0
        and list_month in (select more.list_month from more)
),

listed_then as (
    select
        on_list.list_month,
        coalesce(person_alias.person_id, on_list.person_id) as person_id,
        on_list.provider_id
    from on_list
    left join core.person_alias as person_alias
        on on_list.person_id = person_alias.alias_person_id
),

final as (
    select
        list_month,
        person_id
    from difference
    where act_count < 0
    union all
    select
        more.list_month,
        more.person_id
    from more
    semi join listed_then
        on
            more.list_month = listed_then.list_month
            and more.person_id = listed_then.person_id
            and more.provider_id = listed_then.provider_id
)

select
    person_id,
    'act' as touched_code,
    min(list_month) as from_date
from final
group by person_id
