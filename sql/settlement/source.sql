-- The newest delivery of every source that a run rests on: choices and residents up to the cut-off,
-- all else (what factors, acts and scores come from) as the lake had it.
select
    $list_month as list_month,
    source,
    table_name,
    cast(
        case
            when source = 'enrolment_portal' and table_name = 'enrolments'
                then $enrolment_sequence
            when source = 'population_register' and table_name = 'residents'
                then $register_sequence
            else max(delivery_sequence)
        end as bigint
    ) as delivery_sequence
from effective.delivery
group by source, table_name
