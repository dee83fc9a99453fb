-- Acts known now of closed months less those that were settled, by person and day, with the reason:
-- an act that came or went, else what changed the list.
with
done as (
    select
        fee.list_month,
        procedure.person_id,
        procedure.performed_date,
        site.provider_id,
        procedure.procedure_code,
        count(*) as act_count
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
    where
        procedure.procedure_month >= $begin_date
        and procedure.person_id in (select touched.person_id from settle.touched as touched)
    group by
        fee.list_month,
        procedure.person_id,
        procedure.performed_date,
        site.provider_id,
        procedure.procedure_code
),

both_known as (
    select
        done.list_month,
        done.person_id,
        done.performed_date,
        done.provider_id,
        done.procedure_code,
        listed.is_shadow,
        done.act_count as count_now,
        0 as count_then
    from done
    inner join settle.listed as listed
        on
            done.list_month = listed.list_month
            and listed.status_code = 'paid'
            and done.person_id = listed.person_id
            and done.provider_id = listed.provider_id
            and done.performed_date >= listed.from_date
            and done.performed_date < listed.from_date + cast(listed.person_days as integer)
    union all
    select
        settled.list_month,
        settled.person_id,
        settled.performed_date,
        settled.provider_id,
        settled.procedure_code,
        settled.is_shadow,
        0 as count_now,
        settled.act_count as count_then
    from settle.settled_act as settled
    inner join settle.paid_act as fee
        on
            settled.list_month = fee.list_month
            and settled.procedure_code = fee.procedure_code
    where
        settled.list_month >= $begin_date
        and settled.person_id in (select touched.person_id from settle.touched as touched)
),

difference as (
    select
        list_month,
        person_id,
        performed_date,
        provider_id,
        procedure_code,
        is_shadow,
        sum(count_now) as count_now,
        sum(count_then) as count_then
    from both_known
    group by list_month, person_id, performed_date, provider_id, procedure_code, is_shadow
    having sum(count_now) <> sum(count_then)
),

list_change as (
    select
        list_month,
        person_id,
        provider_id,
        is_shadow,
        min(reason_code) as reason_code,
        sum(person_days) as person_days
    from settle.change
    group by list_month, person_id, provider_id, is_shadow
),

restated as (
    select
        person_id,
        min(
            case touched_code
                when 'choice' then 'corrected_choice'
                when 'stay' then 'move'
                else 'register_correction'
            end
        ) as reason_code
    from settle.touched
    where touched_code <> 'act'
    group by person_id
),

final as (
    select
        difference.*,
        case
            when
                difference.count_now > difference.count_then
                and difference.count_then = 0
                and list_change.person_days > 0
                then list_change.reason_code
            when difference.count_now > difference.count_then then 'late_act'
            when coalesce(done.act_count, 0) < difference.count_then then 'withdrawn_act'
            else
                coalesce(list_change.reason_code, restated.reason_code, 'register_correction')
        end as reason_code
    from difference
    left join done
        on
            difference.list_month = done.list_month
            and difference.person_id = done.person_id
            and difference.performed_date = done.performed_date
            and difference.provider_id = done.provider_id
            and difference.procedure_code = done.procedure_code
    left join list_change
        on
            difference.list_month = list_change.list_month
            and difference.person_id = list_change.person_id
            and difference.provider_id = list_change.provider_id
            and difference.is_shadow = list_change.is_shadow
    left join restated on difference.person_id = restated.person_id
)

select
    list_month,
    reason_code,
    person_id,
    performed_date,
    provider_id,
    procedure_code,
    is_shadow,
    cast(count_now - count_then as bigint) as act_count
from final
