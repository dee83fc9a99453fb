-- grain: One row per figure of telephone and messages, site and week.
-- key: [figure_code, site_id, week_start_date]
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        site_id,
        week_start_date,
        'calls_answered' as figure_code,
        cast(answered_count as decimal(18, 2)) as part,
        cast(arrived_count as decimal(18, 2)) as whole
    from current.contact_channels
    where channel_code = 'telephone'
    union all
    select
        site_id,
        week_start_date,
        'messages_in_2_days' as figure_code,
        cast(answered_in_2_days_count as decimal(18, 2)) as part,
        cast(answered_count as decimal(18, 2)) as whole
    from current.contact_channels
    where channel_code = 'digital_message' and answered_in_2_days_count is not null
    union all
    -- Means of a week are weighed by the calls answered in it.
    select
        site_id,
        week_start_date,
        'queue_minutes' as figure_code,
        cast(queue_minutes * answered_count as decimal(18, 2)) as part,
        cast(answered_count as decimal(18, 2)) as whole
    from current.contact_channels
    where channel_code = 'telephone' and queue_minutes is not null
    union all
    select
        site_id,
        week_start_date,
        'callback_minutes' as figure_code,
        cast(callback_minutes * answered_count as decimal(18, 2)) as part,
        cast(answered_count as decimal(18, 2)) as whole
    from current.contact_channels
    where channel_code = 'telephone' and callback_minutes is not null
)

select
    figure_code,
    site_id,
    week_start_date,
    part,
    whole
from final
