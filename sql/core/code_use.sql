-- grain: One row per coded column and delivery, its codes in force judged by the list of their day.
-- key: [source, table_name, column_name, delivery_sequence]
-- may_be_empty: no table with codes may have been delivered
with
coded_value as (
    select
        source,
        table_name,
        column_name,
        severity,
        code_list,
        code_set,
        delivery_sequence,
        code,
        event_date,
        entry_count
    from coded.coded_value
),

used as (
    select distinct
        code_list,
        code_set,
        code,
        event_date
    from coded_value
),

verdict as (
    select
        used.code_list,
        used.code_set,
        used.code,
        used.event_date,
        count(coded_list.code) > 0 as was_ever_listed,
        coalesce(bool_or(coded_list.is_current), false) as is_listed,
        -- A row without a date has no day on which its code could be out of force.
        coalesce(
            bool_or(
                coded_list.is_current
                and (used.event_date is null or coded_list.valid_from_date <= used.event_date)
                and (
                    used.event_date is null
                    or coded_list.valid_to_date is null
                    or used.event_date < coded_list.valid_to_date
                )
            ),
            false
        ) as is_valid
    from used
    left join coded.coded_list as coded_list
        on
            used.code_list = coded_list.code_list
            and used.code_set = coded_list.code_set
            and used.code = coded_list.code
    group by used.code_list, used.code_set, used.code, used.event_date
),

counted as (
    select
        coded_value.source,
        coded_value.table_name,
        coded_value.column_name,
        coded_value.severity,
        coded_value.code_list,
        coded_value.code_set,
        coded_value.delivery_sequence,
        sum(coded_value.entry_count) as coded_count,
        sum(case when not verdict.was_ever_listed then coded_value.entry_count else 0 end)
            as unknown_count,
        sum(
            case
                when verdict.is_listed and not verdict.is_valid then coded_value.entry_count
                else 0
            end
        ) as not_in_force_count,
        sum(
            case
                when verdict.was_ever_listed and not verdict.is_listed
                    then coded_value.entry_count
                else 0
            end
        ) as dropped_count
    from coded_value
    -- Every code used has its verdict; a day may be missing, and NULL equals nothing.
    inner join verdict
        on
            coded_value.code_list = verdict.code_list
            and coded_value.code_set = verdict.code_set
            and coded_value.code = verdict.code
            and coalesce(coded_value.event_date, date '9999-12-31')
            = coalesce(verdict.event_date, date '9999-12-31')
    group by
        coded_value.source,
        coded_value.table_name,
        coded_value.column_name,
        coded_value.severity,
        coded_value.code_list,
        coded_value.code_set,
        coded_value.delivery_sequence
),

final as (
    select
        source,
        table_name,
        column_name,
        severity,
        code_list,
        code_set,
        delivery_sequence,
        cast(coded_count as bigint) as coded_count,
        cast(unknown_count as bigint) as unknown_count,
        cast(not_in_force_count as bigint) as not_in_force_count,
        cast(dropped_count as bigint) as dropped_count
    from counted
)

select
    source,
    table_name,
    column_name,
    severity,
    code_list,
    code_set,
    delivery_sequence,
    coded_count,
    unknown_count,
    not_in_force_count,
    dropped_count
from final
