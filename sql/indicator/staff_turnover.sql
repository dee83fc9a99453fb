-- grain: One row per provider, service and period.
-- key: [provider_id, service_code, period_start_date]
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        staff.provider_id,
        staff_service.service_code,
        period.period_start_date,
        cast(sum(staff.left_staff_count) as decimal(18, 2)) as numerator,
        cast(sum(staff.start_staff_count) as decimal(18, 2)) as denominator
    from core.scorecard_staff as staff
    -- A sheet of another period than the calendar's is no figure of any.
    inner join core.indicator_period as period
        on
            staff.period_start_date = period.period_start_date
            and staff.period_end_date = period.period_end_date
    -- Who has no site in the period has no figure of it.
    inner join core.staff_service as staff_service
        on
            staff.provider_id = staff_service.provider_id
            and staff.profession_group_code = staff_service.profession_group_code
            and period.period_start_date = staff_service.period_start_date
    group by staff.provider_id, staff_service.service_code, period.period_start_date
)

select
    provider_id,
    service_code,
    period_start_date,
    numerator,
    denominator
from final
