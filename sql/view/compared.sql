-- grain: One row per service and provider with a site of it, in the newest finished period.
-- What helps a client to choose: quality index, access and recommendation.
with
newest as (
    select
        max(period_start_date) as period_start_date,
        max(period_end_date) as period_end_date
    from shelf.indicator_value
    where not is_to_date
),

value as (
    select indicator_value.*
    from shelf.indicator_value as indicator_value
    inner join newest on indicator_value.period_start_date = newest.period_start_date
),

wide as (
    select
        provider_id,
        service_code,
        max(case when indicator_id = 'access_7_days' then value end) as seen_in_7_days_pct,
        max(case when indicator_id = 'access_7_days' then lower_value end) as lower_pct,
        max(case when indicator_id = 'access_7_days' then upper_value end) as upper_pct,
        max(case when indicator_id = 'access_7_days' then denominator end) as seen_count,
        max(case when indicator_id = 'access_7_days' then state_code end) as seen_state_code,
        max(case when indicator_id = 't3_days' then value end) as t3_days,
        max(case when indicator_id = 't3_days' then state_code end) as t3_state_code,
        max(case when indicator_id = 'nps' then value end) as nps_points,
        max(case when indicator_id = 'nps' then denominator end) as answer_count,
        max(case when indicator_id = 'nps' then state_code end) as nps_state_code
    from value
    group by provider_id, service_code
),

offered as (
    select distinct
        site.service_code,
        site.provider_id
    from shelf.site as site
    where site.valid_to_date is null
)

select
    offered.service_code,
    offered.provider_id,
    newest.period_start_date,
    newest.period_end_date,
    cast(round(score.score * 100, 1) as decimal(18, 1)) as quality_index,
    -- Without a score too little of the provider was measured.
    case when score.score is null then 'too_small' else 'measured' end as quality_state_code,
    wide.seen_in_7_days_pct,
    wide.lower_pct,
    wide.upper_pct,
    cast(wide.seen_count as bigint) as seen_count,
    wide.seen_state_code,
    wide.t3_days,
    wide.t3_state_code,
    wide.nps_points,
    cast(wide.answer_count as bigint) as answer_count,
    wide.nps_state_code
from offered
-- Who is measured by nothing is no choice to compare: the emergency clinic.
inner join wide
    on
        offered.provider_id = wide.provider_id
        and offered.service_code = wide.service_code
cross join newest
left join shelf.incentive_score as score
    on
        offered.provider_id = score.provider_id
        and offered.service_code = score.service_code
        and newest.period_start_date = score.period_start_date
order by offered.service_code, offered.provider_id
