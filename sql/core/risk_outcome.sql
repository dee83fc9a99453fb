-- grain: One row per target, index day and resident of whom the target is asked.
-- key: [person_id, target_code, index_month]
-- partition: index_month
-- may_be_empty: the register may not have been delivered
-- touched:
--   - select index_month from changed.risk_features
--   - select index_month from changed.risk_index_month
--   - >-
--     select index_day.index_month from core.risk_index_month as index_day
--     inner join changed.service_period as service_period
--     on service_period.started_date >= index_day.index_month
--     and service_period.started_date < index_day.horizon_end_month
--   - >-
--     select index_day.index_month from core.risk_index_month as index_day
--     inner join changed.need_assessment as need_assessment
--     on need_assessment.assessed_date >= index_day.index_month
--     and need_assessment.assessed_date < index_day.horizon_end_month
--   - >-
--     select index_day.index_month from core.risk_index_month as index_day
--     inner join changed.person_month as person_month
--     on person_month.exposure_month >= index_day.index_month
--     and person_month.exposure_month < index_day.horizon_end_month
--   - >-
--     select index_day.index_month from core.risk_index_month as index_day
--     inner join changed.cost as cost
--     on cost.cost_month >= index_day.index_month
--     and cost.cost_month < index_day.horizon_end_month
with
index_day as (
    select
        index_month,
        horizon_end_month,
        is_covered
    from core.risk_index_month
),

-- The rule in force on the index day.
target as (
    select
        index_day.index_month,
        index_day.horizon_end_month,
        index_day.is_covered,
        rule.target_code,
        rule.least_age_years,
        rule.least_rank,
        rule.most_rank,
        rule.event_rank,
        rule.maple_points,
        rule.cost_share
    from rulebook.risk_target as rule
    inner join index_day on rule.valid_from_date <= index_day.index_month
    qualify row_number() over (
        partition by rule.target_code, index_day.index_month order by rule.valid_from_date desc
    ) = 1
),

candidate as (
    select
        features.person_id,
        features.ladder_rank,
        features.maple_score,
        target.index_month,
        target.horizon_end_month,
        target.is_covered,
        target.target_code,
        target.event_rank,
        target.maple_points,
        target.cost_share
    from core.risk_features as features
    inner join target
        on
            features.index_month = target.index_month
            and features.age_years >= target.least_age_years
            and features.ladder_rank >= target.least_rank
            and features.ladder_rank <= target.most_rank
),

-- A step granted and begun within the horizon.
step as (
    select
        service_period.person_id,
        index_day.index_month,
        ladder.ladder_rank,
        min(service_period.started_date) as started_date
    from core.service_period as service_period
    inner join index_day
        on
            service_period.started_date >= index_day.index_month
            and service_period.started_date < index_day.horizon_end_month
    inner join rulebook.service_ladder as ladder
        on service_period.ladder_code = ladder.ladder_code
    where
        index_day.is_covered and not service_period.is_carer and ladder.ladder_rank > 0
    group by service_period.person_id, index_day.index_month, ladder.ladder_rank
),

scored as (
    select
        need_assessment.person_id,
        index_day.index_month,
        need_assessment.score,
        min(need_assessment.assessed_date) as assessed_date
    from core.need_assessment as need_assessment
    inner join index_day
        on
            need_assessment.assessed_date >= index_day.index_month
            and need_assessment.assessed_date < index_day.horizon_end_month
    where index_day.is_covered and need_assessment.scale_code = 'MAPLe'
    group by need_assessment.person_id, index_day.index_month, need_assessment.score
),

-- By need: a higher step, or a higher score; by entry: a step of some rank or above.
occurred as (
    select
        candidate.person_id,
        candidate.target_code,
        candidate.index_month,
        step.started_date as event_date
    from candidate
    inner join step
        on
            candidate.person_id = step.person_id
            and candidate.index_month = step.index_month
            and candidate.ladder_rank < step.ladder_rank
            and candidate.event_rank <= step.ladder_rank
    where candidate.cost_share = 0
    union all
    select
        candidate.person_id,
        candidate.target_code,
        candidate.index_month,
        scored.assessed_date as event_date
    from candidate
    inner join scored
        on
            candidate.person_id = scored.person_id
            and candidate.index_month = scored.index_month
            and candidate.maple_score + candidate.maple_points <= scored.score
    where candidate.maple_points > 0
),

first_event as (
    select
        person_id,
        target_code,
        index_month,
        min(event_date) as event_date
    from occurred
    group by person_id, target_code, index_month
),

horizon_month as (
    select
        index_month,
        cast(
            unnest(
                generate_series(
                    index_month, cast(horizon_end_month - interval 1 month as date),
                    interval 1 month
                )
            ) as date
        ) as event_month
    from index_day
    where is_covered
),

spent as (
    select
        cost.person_id,
        horizon_month.index_month,
        cast(sum(cost.cost_eur) as decimal(18, 2)) as cost_eur
    from core.cost as cost
    inner join horizon_month on cost.cost_month = horizon_month.event_month
    group by cost.person_id, horizon_month.index_month
),

priced as (
    select
        candidate.person_id,
        candidate.target_code,
        candidate.index_month,
        candidate.cost_share,
        coalesce(spent.cost_eur, cast(0 as decimal(18, 2))) as cost_eur
    from candidate
    left join spent
        on candidate.person_id = spent.person_id and candidate.index_month = spent.index_month
    where candidate.cost_share > 0 and candidate.is_covered
),

-- Ranks, not a percentile of doubles: euros stay exact. Who cost as much as the limit is not above.
ranked as (
    select
        *,
        cume_dist() over (partition by target_code, index_month order by cost_eur desc)
            as share_as_dear
    from priced
),

dear as (
    select
        person_id,
        target_code,
        index_month
    from ranked
    where share_as_dear <= 1 - cast(cost_share as double) + 1e-9 and cost_eur > 0
),

-- The day from which nobody lives at an address in the area; none of those who stay.
left_area as (
    select
        residence.person_id,
        max(coalesce(residence.valid_to_date, date '9999-12-31')) as left_date
    from core.residence as residence
    left join core.municipality as municipality
        on residence.municipality_code = municipality.municipality_code
    where
        residence.known_to_seq is null
        and (residence.municipality_code is null or municipality.is_trial_area)
    group by residence.person_id
),

final as (
    select
        candidate.person_id,
        candidate.target_code,
        candidate.index_month,
        case
            when not candidate.is_covered then null
            when first_event.person_id is not null or dear.person_id is not null then 'event'
            when person.death_date < candidate.horizon_end_month then 'died'
            when left_area.left_date < candidate.horizon_end_month then 'moved'
            else 'none'
        end as outcome_code,
        first_event.event_date,
        priced.cost_eur as horizon_cost_eur
    from candidate
    -- A candidate is a resident, whom the register has listed and placed: the joins lose nobody.
    inner join core.person as person on candidate.person_id = person.person_id
    inner join left_area on candidate.person_id = left_area.person_id
    left join first_event
        on
            candidate.person_id = first_event.person_id
            and candidate.target_code = first_event.target_code
            and candidate.index_month = first_event.index_month
    left join dear
        on
            candidate.person_id = dear.person_id
            and candidate.target_code = dear.target_code
            and candidate.index_month = dear.index_month
    left join priced
        on
            candidate.person_id = priced.person_id
            and candidate.target_code = priced.target_code
            and candidate.index_month = priced.index_month
)

select
    person_id,
    target_code,
    index_month,
    outcome_code,
    event_date,
    horizon_cost_eur
from final
