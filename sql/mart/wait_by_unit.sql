-- grain: One row per month of visit, clock, site, service, profession and class of wait.
-- key: [visit_month, clock_code, site_id, service_code, profession_code, wait_class_code]
-- purpose: knowledge management
-- may_be_empty: the source may not have begun to send
with
clocked as (
    select
        visit_month,
        'assessment' as clock_code,
        site_id,
        service_code,
        profession_code,
        assessment_wait_code as wait_class_code,
        visit_count
    from core.realised_wait
    union all
    select
        visit_month,
        'contact' as clock_code,
        site_id,
        service_code,
        profession_code,
        contact_wait_code as wait_class_code,
        visit_count
    from core.realised_wait
),

counted as (
    select
        visit_month,
        clock_code,
        site_id,
        service_code,
        profession_code,
        wait_class_code,
        cast(sum(visit_count) as bigint) as visit_count
    from clocked
    group by visit_month, clock_code, site_id, service_code, profession_code, wait_class_code
),

final as (
    select
        counted.visit_month,
        counted.clock_code,
        -- Visits of persons under a protection order count, at no site.
        counted.site_id,
        site_month.provider_id,
        site_month.municipality_code,
        counted.service_code,
        counted.profession_code,
        counted.wait_class_code,
        counted.visit_count,
        coalesce(site_month.is_unfit, false) as is_unfit
    from counted
    left join core.site_month as site_month
        on
            counted.site_id = site_month.site_id
            and counted.visit_month = site_month.calendar_month
)

select
    visit_month,
    clock_code,
    site_id,
    provider_id,
    municipality_code,
    service_code,
    profession_code,
    wait_class_code,
    visit_count,
    is_unfit
from final
