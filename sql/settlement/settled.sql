-- What has been settled of closed months for those who may be listed otherwise: frozen lists and
-- the changes to them, under the ids that persons have now.
with
frozen as (
    select
        list_month,
        person_id,
        provider_id,
        site_id,
        age_from,
        sex_code,
        municipality_code,
        is_shadow,
        person_days
    from ledger.frozen_list
    where
        capitation_run_id in (select closed.capitation_run_id from settle.closed as closed)
        and list_month >= $begin_date
        and list_month < $list_month
        and status_code = 'paid'
        and person_id is not null
    union all
    select
        list_month,
        person_id,
        provider_id,
        site_id,
        age_from,
        sex_code,
        municipality_code,
        is_shadow,
        person_days
    from ledger.frozen_change
    where
        capitation_run_id in (select closed.capitation_run_id from settle.closed as closed)
        and list_month >= $begin_date
        and list_month < $list_month
        and person_id is not null
),

-- Former ids of whoever may be listed otherwise.
wanted as (
    select
        person_id,
        person_id as frozen_person_id
    from settle.touched
    where touched_code <> 'act'
    union
    select
        touched.person_id,
        person_alias.alias_person_id as frozen_person_id
    from settle.touched as touched
    inner join core.person_alias as person_alias on touched.person_id = person_alias.person_id
    where touched.touched_code <> 'act'
),

final as (
    select
        frozen.list_month,
        wanted.person_id,
        frozen.provider_id,
        frozen.site_id,
        frozen.age_from,
        frozen.sex_code,
        frozen.municipality_code,
        frozen.is_shadow,
        cast(sum(frozen.person_days) as bigint) as person_days
    from frozen
    inner join wanted on frozen.person_id = wanted.frozen_person_id
    group by
        frozen.list_month,
        wanted.person_id,
        frozen.provider_id,
        frozen.site_id,
        frozen.age_from,
        frozen.sex_code,
        frozen.municipality_code,
        frozen.is_shadow
)

select
    list_month,
    person_id,
    provider_id,
    site_id,
    age_from,
    sex_code,
    municipality_code,
    is_shadow,
    person_days
from final
