-- grain: One row per provider, profession group and period, as the provider reported it last.
-- key: [provider_id, profession_group_code, period_end_date]
-- may_be_empty: no period may have ended
with
final as (
    select
        staff.provider_id,
        staff.profession_group_code,
        staff.period_start_date,
        staff.period_end_date,
        staff.start_staff_count,
        staff.started_staff_count,
        staff.left_staff_count,
        staff.end_staff_count,
        staff.prepared_date,
        staff.period_end_date < staff.reported_to_date as is_of_later_workbook,
        staff.delivery_sequence,
        staff.record_number
    from current.staff as staff
    -- What a provider nobody knows reports waits in core.unresolved.
    inner join core.provider as provider on staff.provider_id = provider.provider_id
)

select
    provider_id,
    profession_group_code,
    period_start_date,
    period_end_date,
    start_staff_count,
    started_staff_count,
    left_staff_count,
    end_staff_count,
    prepared_date,
    is_of_later_workbook,
    delivery_sequence,
    record_number
from final
