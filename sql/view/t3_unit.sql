-- grain: One row per month, site and profession.
-- Of the twelve months before the newest one measured, and of it.
with
newest as (
    select max(measured_month) as measured_month
    from shelf.t3_by_unit
)

select
    t3.measured_month,
    t3.site_id,
    t3.provider_id,
    t3.municipality_code,
    t3.profession_code,
    t3.without_named_days_median,
    t3.with_named_days_median,
    t3.without_named_count,
    t3.at_horizon_count
from shelf.t3_by_unit as t3
inner join newest on t3.measured_month >= newest.measured_month - interval 12 month
order by t3.measured_month, t3.site_id, t3.profession_code
