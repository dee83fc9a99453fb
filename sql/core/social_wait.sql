-- grain: One row per matter of social care, with its waits and what the guarantee says of them.
-- key: [service_period_id]
-- may_be_empty: the source may not have begun to send
with
reached as (
    select max(covers_to_date) as reached_date
    from effective.delivery
    where source = 'apotti' and table_name = 'social_services'
),

matter as (
    select
        period.service_period_id,
        period.person_id,
        period.service_class_code,
        period.client_group_code,
        period.contacted_date,
        period.assessed_date,
        period.decided_date,
        period.started_date,
        period.decision_code,
        -- Completed years on the day of the contact; limits turn on birthdays.
        age_years(person.birth_date, period.contacted_date) as age_years
    from core.service_period as period
    left join core.person as person on period.person_id = person.person_id
),

-- The first day on which so many weekdays have passed.
weekday as (
    select
        weekday_number,
        calendar_date
    from core.weekday
    where is_weekday
),

limit_of as (
    select
        matter.service_period_id,
        min(
            case
                when access_limit.guarantee_code = 'social_assessment'
                    then started.weekday_number + access_limit.limit_count
            end
        ) as last_weekday_number,
        min(
            case
                when access_limit.guarantee_code = 'social_decision'
                    then
                        cast(
                            matter.contacted_date + to_months(access_limit.limit_count) as date
                        )
            end
        ) as decision_due_date
    from matter
    inner join rulebook.social_access_reason as reason
        on matter.client_group_code = reason.client_group_code
    inner join core.access_limit as access_limit on reason.reason_code = access_limit.reason_code
    inner join core.weekday as started on matter.contacted_date = started.calendar_date
    where
        access_limit.guarantee_code in ('social_assessment', 'social_decision')
        and access_limit.limit_unit_code
        = case access_limit.guarantee_code
            when 'social_assessment' then 'weekday' else 'month'
        end
        and matter.contacted_date >= access_limit.valid_from_date
        and (
            access_limit.valid_to_date is null
            or matter.contacted_date < access_limit.valid_to_date
        )
        and coalesce(matter.age_years, 0) >= access_limit.from_age_years
        and (
            access_limit.to_age_years is null
            or matter.age_years < access_limit.to_age_years
        )
    group by matter.service_period_id
),

dated as (
    select
        matter.*,
        weekday.calendar_date as assessment_due_date,
        limit_of.decision_due_date,
        assessed.weekday_number - contacted.weekday_number as assessment_weekdays,
        reached.reached_date
    from matter
    cross join reached
    left join limit_of on matter.service_period_id = limit_of.service_period_id
    left join weekday on limit_of.last_weekday_number = weekday.weekday_number
    left join core.weekday as contacted on matter.contacted_date = contacted.calendar_date
    left join core.weekday as assessed on matter.assessed_date = assessed.calendar_date
),

final as (
    select
        service_period_id,
        person_id,
        service_class_code,
        client_group_code,
        contacted_date,
        assessed_date,
        decided_date,
        started_date,
        decision_code,
        assessment_weekdays,
        assessment_due_date,
        case
            when assessment_due_date is null then 'not_judged'
            when assessed_date <= assessment_due_date then 'within'
            when assessed_date is null and reached_date <= assessment_due_date then 'open'
            else 'exceeded'
        end as assessment_verdict_code,
        date_diff('day', contacted_date, decided_date) as decision_days,
        decision_due_date,
        case
            when decision_due_date is null then 'not_judged'
            when decided_date <= decision_due_date then 'within'
            when decided_date is null and reached_date <= decision_due_date then 'open'
            else 'exceeded'
        end as decision_verdict_code,
        date_diff('day', contacted_date, started_date) as start_days
    from dated
)

select
    service_period_id,
    person_id,
    service_class_code,
    client_group_code,
    contacted_date,
    assessed_date,
    decided_date,
    started_date,
    decision_code,
    assessment_weekdays,
    assessment_due_date,
    assessment_verdict_code,
    decision_days,
    decision_due_date,
    decision_verdict_code,
    start_days
from final
