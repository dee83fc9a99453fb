-- What did each national service package cost, by month, and where is the cost from?
select
    cost_month,
    package_class_code,
    cost_source_code,
    count(*) as event_count,
    count(distinct person_id) as person_count,
    cast(sum(cost_eur) as decimal(18, 2)) as cost_eur
from core.cost
group by cost_month, package_class_code, cost_source_code
