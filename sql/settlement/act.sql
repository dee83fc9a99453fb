-- Acts done in the month by the provider on whose list the person is that day, of those that have a
-- fee. Who has done which is kept, so that a later run finds what has changed since.
with
done as (
    select
        procedure.procedure_code,
        procedure.person_id,
        procedure.performed_date,
        site.provider_id
    from core.procedure as procedure
    inner join core.site as site
        on
            procedure.site_id = site.site_id
            and procedure.performed_date >= site.valid_from_date
            and (site.valid_to_date is null or procedure.performed_date < site.valid_to_date)
    where procedure.procedure_month = $list_month
)

select
    $list_month as list_month,
    done.person_id,
    done.performed_date,
    done.provider_id,
    done.procedure_code,
    listed.is_shadow,
    count(*) as act_count
from done
inner join settle.act_fee as fee
    on fee.list_month = $list_month and done.procedure_code = fee.procedure_code
inner join settle.listed as listed
    on
        listed.list_month = $list_month
        and listed.status_code = 'paid'
        and done.person_id = listed.person_id
        and done.provider_id = listed.provider_id
        and done.performed_date >= listed.from_date
        and done.performed_date < listed.from_date + cast(listed.person_days as integer)
group by
    done.person_id, done.performed_date, done.provider_id, done.procedure_code, listed.is_shadow
