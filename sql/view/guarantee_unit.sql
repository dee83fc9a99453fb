-- grain: One row per month of visit and site, of all services and professions.
-- Of those who did not choose a later time themselves; figures found unfit have no share.
with
newest as (
    select max(visit_month) as visit_month
    from shelf.care_guarantee
),

counted as (
    select
        guarantee.visit_month,
        guarantee.site_id,
        guarantee.provider_id,
        sum(guarantee.visit_count) as visit_count,
        sum(guarantee.judged_count) as judged_count,
        sum(guarantee.within_limit_count) as within_limit_count,
        sum(guarantee.own_choice_count) as own_choice_count,
        sum(guarantee.exceeded_count) as exceeded_count,
        bool_or(guarantee.is_unfit) as is_unfit
    from shelf.care_guarantee as guarantee
    inner join newest on guarantee.visit_month >= newest.visit_month - interval 12 month
    group by guarantee.visit_month, guarantee.site_id, guarantee.provider_id
)

select
    visit_month,
    site_id,
    provider_id,
    cast(visit_count as bigint) as visit_count,
    cast(judged_count as bigint) as judged_count,
    cast(within_limit_count as bigint) as within_limit_count,
    cast(own_choice_count as bigint) as own_choice_count,
    cast(exceeded_count as bigint) as exceeded_count,
    case
        when not is_unfit
            then
                cast(
                    100 * cast(within_limit_count as double)
                    / nullif(judged_count - own_choice_count, 0)
                    as decimal(18, 2)
                )
    end as within_limit_pct
from counted
order by visit_month, site_id
