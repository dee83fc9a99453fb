-- One row per costed visit or procedure. Social services have costs and no table in this model:
-- they are left out, and counted.
with
costed as (
    select
        cost.event_kind_code,
        cost.event_id,
        cost.cost_month,
        cost.cost_eur,
        cost.package_class_code,
        coalesce(done.procedure_occurrence_id, visit.visit_occurrence_id) as cost_event_id
    from release.cost as cost
    left join omop.visit_occurrence as visit
        on cost.event_kind_code = visit.event_kind_code and cost.event_id = visit.event_id
    left join omop.procedure_occurrence as done
        on cost.event_kind_code = done.event_kind_code and cost.event_id = done.event_id
)

select
    row_number() over (order by event_kind_code, event_id, cost_month) as cost_id,
    cost_event_id,
    case when event_kind_code = 'procedure' then 'Procedure' else 'Visit' end as cost_domain_id,
    0 as cost_type_concept_id,
    0 as currency_concept_id,
    cast(cost_eur as double) as total_cost,
    package_class_code as revenue_code_source_value
from costed
where cost_event_id is not null
