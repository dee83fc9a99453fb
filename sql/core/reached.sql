-- grain: One row per lake, the last day that a delivery in force of a monthly table covers.
-- key: [reached_date]
select max(delivery.covers_to_date) as reached_date
from effective.delivery as delivery
inner join rulebook.promise as promise
    on delivery.source = promise.source and delivery.table_name = promise.table_name
where promise.sequence_step = 'month'
