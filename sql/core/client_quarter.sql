-- grain: One row per person and quarter in which they used a costed service.
-- key: [person_id, quarter_start_date]
-- partition: quarter_start_date
-- may_be_empty: the sources may not have begun to send
-- touched:
--   - select cast(date_trunc('quarter', cost_month) as date) from changed.cost
--   - >-
--     select cast(unnest(generate_series(cast(date_trunc('quarter', assessed_date) as date),
--     cast(assessed_date + interval 27 month as date), interval 3 month)) as date)
--     from changed.need_assessment
--   - >-
--     select cast(unnest(generate_series(cast(date_trunc('quarter', answered_date) as date),
--     cast(answered_date + interval 27 month as date), interval 3 month)) as date)
--     from changed.guidance_assessment
with
limits as (
    select
        many_from_count,
        heavy_user_share,
        assessment_months
    from rulebook.client_segment
    where
        valid_from_date
        = (select max(newest.valid_from_date) from rulebook.client_segment as newest)
),

-- By service package first: five million rows where there are twelve million events.
used as (
    select
        person_id,
        cast(date_trunc('quarter', cost_month) as date) as quarter_start_date,
        coalesce(package_class_code, '') as package_class_code,
        count(*) as event_count,
        sum(coalesce(cost_eur, 0)) as cost_eur
    from core.cost
    group by
        person_id,
        cast(date_trunc('quarter', cost_month) as date),
        coalesce(package_class_code, '')
),

summed as (
    select
        used.person_id,
        used.quarter_start_date,
        count(case when used.package_class_code <> '' then 1 end) as package_count,
        sum(used.event_count) as event_count,
        sum(case when sector_class.sector = 'health' then used.cost_eur else 0 end)
            as health_cost_eur,
        sum(case when sector_class.sector = 'social' then used.cost_eur else 0 end)
            as social_cost_eur,
        sum(case when sector_class.sector = 'elderly' then used.cost_eur else 0 end)
            as elderly_cost_eur,
        sum(used.cost_eur) as cost_eur,
        max(case when sector_class.sector = 'health' then 1 else 0 end) as uses_health,
        max(case when sector_class.sector in ('social', 'elderly') then 1 else 0 end)
            as uses_social
    from used
    left join rulebook.sector_class as sector_class
        on used.package_class_code = sector_class.package_class_code
    group by used.person_id, used.quarter_start_date
),

assessment as (
    select
        person_id,
        instrument_code,
        scale_code,
        score,
        assessed_date,
        valid_to_date
    from core.need_assessment
    union all
    select
        person_id,
        'GUIDE' as instrument_code,
        item_code as scale_code,
        score,
        answered_date as assessed_date,
        cast(null as date) as valid_to_date
    from core.guidance_assessment
    where form_code = 'worker_assessment'
),

quarter as (
    select distinct quarter_start_date
    from used
),

-- The newest assessment by the end of the quarter; of one day the one that says weak.
capacity as (
    select
        quarter.quarter_start_date,
        assessment.person_id,
        assessment.assessed_date,
        case
            when scale.worse_code = 'down' then assessment.score <= scale.weak_score
            else assessment.score >= scale.weak_score
        end as is_weak
    from assessment
    inner join rulebook.capacity_scale as scale
        on
            assessment.instrument_code = scale.instrument_code
            and assessment.scale_code = scale.scale_code
    cross join limits
    inner join quarter
        on
            assessment.assessed_date < quarter.quarter_start_date + interval 3 month
            and assessment.assessed_date
            >= quarter.quarter_start_date + interval 3 month - to_months(limits.assessment_months)
    where
        assessment.score is not null
        and (
            assessment.valid_to_date is null
            or assessment.valid_to_date > quarter.quarter_start_date
        )
    qualify row_number() over (
        partition by quarter.quarter_start_date, assessment.person_id
        order by assessment.assessed_date desc, is_weak desc
    ) = 1
),

ranked as (
    select
        summed.*,
        row_number() over (
            partition by summed.quarter_start_date
            order by summed.cost_eur desc, summed.person_id asc
        ) as cost_position,
        count(*) over (partition by summed.quarter_start_date) as client_count
    from summed
),

final as (
    select
        ranked.person_id,
        ranked.quarter_start_date,
        cast(ranked.package_count as integer) as package_count,
        cast(ranked.event_count as bigint) as event_count,
        cast(ranked.health_cost_eur as decimal(18, 2)) as health_cost_eur,
        cast(ranked.social_cost_eur as decimal(18, 2)) as social_cost_eur,
        cast(ranked.elderly_cost_eur as decimal(18, 2)) as elderly_cost_eur,
        cast(ranked.cost_eur as decimal(18, 2)) as cost_eur,
        -- Health and social services in one quarter: whose services are to be brought together.
        ranked.uses_health = 1 and ranked.uses_social = 1 as is_multi_service,
        ranked.cost_position <= limits.heavy_user_share * ranked.client_count as is_heavy_user,
        capacity.assessed_date,
        case when ranked.package_count >= limits.many_from_count then 'many' else 'few' end
            as need_code,
        case
            when capacity.is_weak then 'weak'
            when capacity.person_id is not null then 'able'
            else 'not_assessed'
        end as capacity_code
    from ranked
    cross join limits
    left join capacity
        on
            ranked.person_id = capacity.person_id
            and ranked.quarter_start_date = capacity.quarter_start_date
)

select
    person_id,
    quarter_start_date,
    package_count,
    event_count,
    health_cost_eur,
    social_cost_eur,
    elderly_cost_eur,
    cost_eur,
    is_multi_service,
    is_heavy_user,
    assessed_date,
    need_code,
    capacity_code
from final
