-- grain: One row per service, provider of the list and reason, over the newest twelve months.
with
newest as (
    select max(use_month) as use_month
    from shelf.out_of_list_use
)

select
    used.service_code,
    used.provider_id,
    used.reason_code,
    min(used.use_month) as first_month,
    max(used.use_month) as last_month,
    cast(sum(used.event_count) as bigint) as event_count,
    cast(sum(used.cost_eur) as decimal(18, 2)) as cost_eur
from shelf.out_of_list_use as used
inner join newest on used.use_month > newest.use_month - interval 12 month
group by used.service_code, used.provider_id, used.reason_code
order by used.service_code, used.provider_id, used.reason_code
