-- grain: One row per provider, period and profession group, with the service its staff count in.
-- key: [provider_id, period_start_date, profession_group_code]
-- may_be_empty: deliveries may all be of the time before the first period
with
service as (
    select
        profession_group_code,
        service_code
    from rulebook.staff_service
    where
        valid_from_date
        = (select max(newest.valid_from_date) from rulebook.staff_service as newest)
),

offered as (
    select distinct
        site.provider_id,
        site.service_code,
        period.period_start_date
    from core.site as site
    inner join core.indicator_period as period
        on
            site.valid_from_date <= period.period_end_date
            and (site.valid_to_date is null or site.valid_to_date > period.period_start_date)
    where site.service_code in (select service.service_code from service)
),

-- The group's own service, or the only one that the provider has.
final as (
    select
        offered.provider_id,
        offered.period_start_date,
        service.profession_group_code,
        coalesce(
            max(
                case when offered.service_code = service.service_code then service.service_code end
            ),
            max(offered.service_code)
        ) as service_code
    from offered
    cross join service
    group by offered.provider_id, offered.period_start_date, service.profession_group_code
)

select
    provider_id,
    period_start_date,
    profession_group_code,
    service_code
from final
