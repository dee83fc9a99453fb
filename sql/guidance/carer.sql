-- Informal carers under a heavy load in the newest quarter, and whom they care for.
with
newest as (
    select max(quarter_start_date) as quarter_start_date
    from mart.carer_load
)

select
    load.person_id,
    load.cared_person_id,
    cast(load.agreement_id as varchar) as item_code,
    load.quarter_start_date,
    load.fee_class_code,
    load.fee_month_eur,
    load.leave_earned_days,
    load.leave_left_days,
    load.age_years,
    load.cared_age_years,
    load.cared_maple_score,
    load.package_count,
    load.cared_package_count,
    load.sign_count
from mart.carer_load as load
inner join newest on load.quarter_start_date = newest.quarter_start_date
where load.is_heavy
order by load.sign_count desc, load.agreement_id asc
