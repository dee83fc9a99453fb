-- How long did people wait from contact to visit, in the classes of the care guarantee?
select
    contact_month,
    service_code,
    profession_code,
    case
        when visit_wait_days is null then 'no visit yet'
        when visit_wait_days <= 7 then '0-7'
        when visit_wait_days <= 14 then '8-14'
        when visit_wait_days <= 30 then '15-30'
        when visit_wait_days <= 90 then '31-90'
        else '> 90'
    end as wait_class,
    count(*) as event_count
from core.access_event
group by contact_month, service_code, profession_code, wait_class
