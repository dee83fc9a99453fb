-- grain: One row per month of visit, site, service and profession.
-- key: [visit_month, site_id, service_code, profession_code]
-- purpose: knowledge management
-- may_be_empty: the source may not have begun to send
with
counted as (
    select
        visit_month,
        site_id,
        service_code,
        profession_code,
        sum(visit_count) as visit_count,
        sum(case when assessment_wait_code <> 'unknown' then visit_count else 0 end)
            as assessment_known_count,
        sum(case when contact_wait_code <> 'unknown' then visit_count else 0 end)
            as contact_known_count,
        sum(case when verdict_code <> 'not_judged' then visit_count else 0 end) as judged_count,
        sum(case when verdict_code = 'within' then visit_count else 0 end) as within_limit_count,
        sum(case when verdict_code = 'own_choice' then visit_count else 0 end) as own_choice_count,
        sum(case when verdict_code = 'exceeded' then visit_count else 0 end) as exceeded_count
    from core.realised_wait
    group by visit_month, site_id, service_code, profession_code
),

final as (
    select
        counted.visit_month,
        -- Visits of persons under a protection order count, at no site.
        counted.site_id,
        site_month.provider_id,
        site_month.municipality_code,
        counted.service_code,
        counted.profession_code,
        cast(counted.visit_count as bigint) as visit_count,
        cast(counted.assessment_known_count as bigint) as assessment_known_count,
        cast(counted.contact_known_count as bigint) as contact_known_count,
        cast(counted.judged_count as bigint) as judged_count,
        cast(counted.within_limit_count as bigint) as within_limit_count,
        cast(counted.own_choice_count as bigint) as own_choice_count,
        cast(counted.exceeded_count as bigint) as exceeded_count,
        -- Of those who did not choose a later time themselves. Unfit figures have no share.
        case
            when not coalesce(site_month.is_unfit, false)
                then
                    cast(
                        round(
                            cast(100 * counted.within_limit_count as double)
                            / nullif(counted.judged_count - counted.own_choice_count, 0),
                            2
                        ) as decimal(5, 2)
                    )
        end as within_limit_pct,
        cast(
            round(
                cast(100 * counted.assessment_known_count as double) / counted.visit_count, 2
            ) as decimal(5, 2)
        ) as assessment_known_pct,
        cast(
            round(cast(100 * counted.contact_known_count as double) / counted.visit_count, 2)
            as decimal(5, 2)
        ) as contact_known_pct,
        coalesce(site_month.is_unfit, false) as is_unfit
    from counted
    left join core.site_month as site_month
        on
            counted.site_id = site_month.site_id
            and counted.visit_month = site_month.calendar_month
)

select
    visit_month,
    site_id,
    provider_id,
    municipality_code,
    service_code,
    profession_code,
    visit_count,
    assessment_known_count,
    contact_known_count,
    judged_count,
    within_limit_count,
    own_choice_count,
    exceeded_count,
    within_limit_pct,
    assessment_known_pct,
    contact_known_pct,
    is_unfit
from final
