-- grain: One row per period of a social service and month in which it was given.
-- key: [service_period_id, service_month]
-- may_be_empty: the source may not have begun to send
with
-- The source tells of old periods that go on, not of those that ended before its first month.
covered as (
    select
        cast(date_trunc('month', min(covers_to_date)) as date) as first_date,
        max(covers_to_date) as last_date
    from effective.delivery
    where source = 'apotti' and table_name = 'social_services'
),

-- A carer's row tells of the care of another, whose own row counts.
given as (
    select
        service_period.service_period_id,
        service_period.person_id,
        service_period.service_class_code,
        service_period.client_group_code,
        service_period.hours_a_week,
        greatest(service_period.started_date, covered.first_date) as first_date,
        least(coalesce(service_period.ended_date, covered.last_date), covered.last_date)
            as last_date
    from core.service_period as service_period
    cross join covered
    where service_period.started_date is not null and not service_period.is_carer
),

monthly as (
    select
        *,
        cast(
            unnest(
                generate_series(
                    cast(date_trunc('month', first_date) as date), last_date, interval 1 month
                )
            ) as date
        ) as service_month
    from given
    where first_date <= last_date
),

dated as (
    select
        *,
        greatest(first_date, service_month) as service_date,
        date_diff(
            'day',
            greatest(first_date, service_month),
            least(last_date + 1, cast(service_month + interval 1 month as date))
        ) as service_days
    from monthly
),

final as (
    select
        service_period_id,
        person_id,
        service_class_code,
        client_group_code,
        service_month,
        service_date,
        service_days,
        -- Granted hours a week; a seventh of them a day, rounded half up here.
        cast(
            round(cast(hours_a_week * service_days as double) / 7, 4) as decimal(18, 4)
        ) as service_hours
    from dated
)

select
    service_period_id,
    person_id,
    service_class_code,
    client_group_code,
    service_month,
    service_date,
    service_days,
    service_hours
from final
