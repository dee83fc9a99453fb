-- grain: One row: the last day that any monthly delivery in force covers.
select max(delivery.covers_to_date) as data_date
from effective.delivery as delivery
inner join rulebook.promise as promise
    on delivery.source = promise.source and delivery.table_name = promise.table_name
where promise.sequence_step = 'month'
