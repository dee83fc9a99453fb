-- grain: One row per month of contact, client group and service of social care.
-- key: [contact_month, client_group_code, service_class_code]
-- purpose: knowledge management
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        cast(date_trunc('month', contacted_date) as date) as contact_month,
        client_group_code,
        service_class_code,
        count(*) as contact_count,
        count(case when assessment_verdict_code <> 'not_judged' then 1 end)
            as assessment_judged_count,
        count(case when assessment_verdict_code = 'within' then 1 end) as assessment_within_count,
        count(case when assessment_verdict_code = 'exceeded' then 1 end)
            as assessment_exceeded_count,
        -- Of all, judged or not: the goal of the programmes is seven weekdays for everybody.
        count(assessment_weekdays) as assessed_count,
        count(case when assessment_weekdays <= 7 then 1 end) as assessed_in_7_weekdays_count,
        count(case when decision_verdict_code <> 'not_judged' then 1 end)
            as decision_judged_count,
        count(case when decision_verdict_code = 'within' then 1 end) as decision_within_count,
        count(case when decision_verdict_code = 'exceeded' then 1 end) as decision_exceeded_count
    from core.social_wait
    group by
        cast(date_trunc('month', contacted_date) as date), client_group_code, service_class_code
)

select
    contact_month,
    client_group_code,
    service_class_code,
    contact_count,
    assessment_judged_count,
    assessment_within_count,
    assessment_exceeded_count,
    assessed_count,
    assessed_in_7_weekdays_count,
    decision_judged_count,
    decision_within_count,
    decision_exceeded_count
from final
