-- Acts of closed months that were settled, frozen and corrected since, by day, under the ids that
-- persons have now: of all, or of those who are touched.
with
frozen as (
    select
        list_month,
        person_id,
        performed_date,
        provider_id,
        procedure_code,
        is_shadow,
        act_count
    from ledger.frozen_act
    where
        capitation_run_id in (select closed.capitation_run_id from settle.closed as closed)
        and list_month < $list_month
        and person_id is not null
    union all
    select
        list_month,
        person_id,
        performed_date,
        provider_id,
        procedure_code,
        is_shadow,
        act_count
    from ledger.frozen_act_change
    where
        capitation_run_id in (select closed.capitation_run_id from settle.closed as closed)
        and list_month < $list_month
        and person_id is not null
),

named as (
    select
        frozen.list_month,
        coalesce(person_alias.person_id, frozen.person_id) as person_id,
        frozen.performed_date,
        frozen.provider_id,
        frozen.procedure_code,
        frozen.is_shadow,
        frozen.act_count
    from frozen
    left join core.person_alias as person_alias
        on frozen.person_id = person_alias.alias_person_id
)

select
    list_month,
    person_id,
    performed_date,
    provider_id,
    procedure_code,
    is_shadow,
    cast(sum(act_count) as bigint) as act_count
from named
where
    $is_of_all
    or person_id in (select touched.person_id from settle.touched as touched)
group by list_month, person_id, performed_date, provider_id, procedure_code, is_shadow
having sum(act_count) <> 0
