-- grain: One row per resident of an index day, with what the lake tells of the time before it.
-- key: [person_id, index_month]
-- partition: index_month
-- may_be_empty: the register may not have been delivered
-- touched:
--   - select index_month from changed.risk_index_month
--   - >-
--     select index_day.index_month from core.risk_index_month as index_day
--     inner join changed.service_period as service_period
--     on service_period.contacted_date < index_day.index_month
--   - >-
--     select index_day.index_month from core.risk_index_month as index_day
--     inner join changed.need_assessment as need_assessment
--     on need_assessment.assessed_date < index_day.index_month
--     and need_assessment.assessed_date >= index_day.index_month - interval 12 month
--   - >-
--     select index_day.index_month from core.risk_index_month as index_day
--     inner join changed.person_month as person_month
--     on person_month.exposure_month < index_day.index_month
--     and person_month.exposure_month >= index_day.history_from_month
--   - >-
--     select index_day.index_month from core.risk_index_month as index_day
--     inner join changed.cost as cost
--     on cost.cost_month < index_day.index_month
--     and cost.cost_month >= index_day.history_from_month
--   - >-
--     select index_day.index_month from core.risk_index_month as index_day
--     inner join changed.hospital_episode as episode
--     on episode.episode_month < index_day.index_month
--   - >-
--     select index_day.index_month from core.risk_index_month as index_day
--     inner join changed.morbidity as morbidity
--     on morbidity.diagnosis_quarter < index_day.index_month
--     and morbidity.diagnosis_quarter >= index_day.index_month - interval 15 month
with
index_day as (
    select
        index_month,
        history_from_month
    from core.risk_index_month
),

looked_back as (
    select
        index_month,
        cast(
            unnest(
                generate_series(
                    history_from_month,
                    cast(index_month - interval 1 month as date),
                    interval 1 month
                )
            ) as date
        ) as event_month
    from index_day
),

-- Who lived in the area on the eve of the index day; a protected person lives there and nowhere
-- narrower.
resident as (
    select
        residence.person_id,
        index_day.index_month,
        person.sex_code,
        age_years(person.birth_date, index_day.index_month) as age_years
    from core.residence as residence
    inner join index_day
        on
            residence.valid_from_date < index_day.index_month
            and (
                residence.valid_to_date is null
                or residence.valid_to_date >= index_day.index_month
            )
    -- A stay comes from a register row, and so does the person: the join loses nobody.
    inner join core.person as person on residence.person_id = person.person_id
    left join core.municipality as municipality
        on residence.municipality_code = municipality.municipality_code
    where
        residence.known_to_seq is null
        and (residence.municipality_code is null or municipality.is_trial_area)
        and (person.death_date is null or person.death_date >= index_day.index_month)
),

lived as (
    select
        person_month.person_id,
        looked_back.index_month,
        cast(sum(person_month.resident_days) as bigint) as history_days
    from core.person_month as person_month
    inner join looked_back on person_month.exposure_month = looked_back.event_month
    group by person_month.person_id, looked_back.index_month
),

-- What a stay that goes on will cost is not known yet.
open_stay as (
    select
        'hospital_episode' as event_kind_code,
        episode.episode_id,
        episode.person_id,
        index_day.index_month
    from core.hospital_episode as episode
    inner join index_day
        on
            episode.episode_date < index_day.index_month
            and civil_date(episode.ended_at) >= index_day.index_month
),

in_hospital as (
    select distinct
        person_id,
        index_month
    from open_stay
),

-- Every package is a bit, so that a person's are counted in the pass that sums their euros.
package as (
    select
        package_class_code,
        cast(power(2, row_number() over (order by package_class_code) - 1) as bigint) as bit_value
    from core.cost
    where package_class_code is not null
    group by package_class_code
),

spent as (
    select
        cost.person_id,
        looked_back.index_month,
        cast(sum(cost.cost_eur) as decimal(18, 2)) as cost_eur,
        cast(
            sum(
                case
                    when cost.cost_month >= looked_back.index_month - interval 3 month
                        then cost.cost_eur
                end
            ) as decimal(18, 2)
        ) as recent_cost_eur,
        cast(
            sum(case when cost.event_kind_code = 'hospital_episode' then cost.cost_eur end)
            as decimal(18, 2)
        ) as hospital_cost_eur,
        cast(
            sum(case when cost.event_kind_code = 'service_period' then cost.cost_eur end)
            as decimal(18, 2)
        ) as social_cost_eur,
        count(case when cost.event_kind_code = 'encounter' then 1 end) as encounter_count,
        count(case when cost.event_kind_code = 'hospital_episode' then 1 end) as episode_count,
        count(
            case
                when
                    cost.costed_service_code in (
                        'emergency_visit', 'hospital_emergency', 'psychiatric_emergency'
                    )
                    then 1
            end
        ) as emergency_count,
        count(
            case when cost.costed_service_code in ('hospital_stay', 'psychiatric_day') then 1 end
        ) as stay_count,
        cast(bit_count(bit_or(package.bit_value)) as bigint) as package_count
    from core.cost as cost
    inner join looked_back on cost.cost_month = looked_back.event_month
    left join package on cost.package_class_code = package.package_class_code
    left join open_stay
        on
            cost.event_kind_code = open_stay.event_kind_code
            and cost.event_id = open_stay.episode_id
            and looked_back.index_month = open_stay.index_month
    where open_stay.episode_id is null
    group by cost.person_id, looked_back.index_month
),

rank_of_step as (
    select
        ladder_code,
        ladder_rank
    from rulebook.service_ladder
),

period as (
    select
        service_period.person_id,
        service_period.cared_person_id,
        service_period.is_carer,
        index_day.index_month,
        service_period.contacted_date,
        service_period.started_date,
        service_period.decided_date,
        service_period.decision_code,
        service_period.hours_a_week,
        rank_of_step.ladder_rank,
        service_period.started_date < index_day.index_month
        and (
            service_period.ended_date is null
            or service_period.ended_date >= index_day.index_month
        ) as is_open
    from core.service_period as service_period
    inner join index_day
        on
            coalesce(service_period.contacted_date, service_period.started_date)
            < index_day.index_month
    left join rank_of_step on service_period.ladder_code = rank_of_step.ladder_code
),

served as (
    select
        person_id,
        index_month,
        max(case when is_open then ladder_rank end) as ladder_rank,
        max(case when is_open and ladder_rank > 0 then started_date end) as step_from_date,
        cast(sum(case when is_open then hours_a_week end) as decimal(18, 4)) as week_hours,
        cast(sum(case when is_open and ladder_rank = 0 then 1 else 0 end) as bigint)
            as other_service_count,
        cast(
            sum(
                case
                    when
                        ladder_rank > 0
                        and started_date < index_month
                        and started_date >= index_month - interval 12 month
                        then 1
                    else 0
                end
            ) as bigint
        ) as begun_step_count,
        cast(
            sum(
                case
                    when decided_date is null or decided_date >= index_month then 1
                    else 0
                end
            ) as bigint
        ) as open_application_count,
        cast(
            sum(
                case
                    when
                        decided_date < index_month
                        and decided_date >= index_month - interval 12 month
                        and decision_code <> 'granted'
                        then 1
                    else 0
                end
            ) as bigint
        ) as refused_application_count
    from period
    where not is_carer
    group by person_id, index_month
),

-- The carer as the register knows them on the index day: one who died or left cares no more.
cared as (
    select
        period.cared_person_id as person_id,
        period.index_month,
        max(resident.age_years) as carer_age_years,
        max(coalesce(spent.encounter_count, 0)) as carer_encounter_count
    from period
    inner join resident
        on period.person_id = resident.person_id and period.index_month = resident.index_month
    left join spent
        on period.person_id = spent.person_id and period.index_month = spent.index_month
    where period.is_carer and period.is_open
    group by period.cared_person_id, period.index_month
),

caring as (
    select distinct
        person_id,
        index_month
    from period
    where is_carer and is_open
),

scored as (
    select
        need_assessment.person_id,
        index_day.index_month,
        need_assessment.scale_code,
        need_assessment.assessed_date,
        -- Two assessments of one day: the heavier counts.
        max(need_assessment.score) as score
    from core.need_assessment as need_assessment
    inner join index_day
        on
            need_assessment.assessed_date < index_day.index_month
            and need_assessment.assessed_date >= index_day.index_month - interval 12 month
    where need_assessment.scale_code in ('MAPLe', 'CPS', 'ADLH', 'IADL')
    group by
        need_assessment.person_id,
        index_day.index_month,
        need_assessment.scale_code,
        need_assessment.assessed_date
),

assessed as (
    select
        person_id,
        index_month,
        max(assessed_date) as assessed_date,
        min(assessed_date) as first_assessed_date,
        arg_max(score, assessed_date) filter (where scale_code = 'MAPLe') as maple_score,
        arg_max(score, assessed_date) filter (where scale_code = 'CPS') as cps_score,
        arg_max(score, assessed_date) filter (where scale_code = 'ADLH') as adlh_score,
        arg_max(score, assessed_date) filter (where scale_code = 'IADL') as iadl_score,
        arg_min(score, assessed_date) filter (where scale_code = 'MAPLe') as first_maple_score,
        arg_min(score, assessed_date) filter (where scale_code = 'CPS') as first_cps_score,
        arg_min(score, assessed_date) filter (where scale_code = 'ADLH') as first_adlh_score,
        arg_min(score, assessed_date) filter (where scale_code = 'IADL') as first_iadl_score
    from scored
    group by person_id, index_month
),

-- Diagnoses of a year of whole quarters, so that a longer lake does not make people look iller; of
-- the quarter under way nothing counts.
ill as (
    select distinct
        morbidity.person_id,
        index_day.index_month,
        morbidity.morbidity_group_code
    from core.morbidity as morbidity
    inner join index_day
        on
            morbidity.diagnosis_quarter <= index_day.index_month - interval 3 month
            and morbidity.diagnosis_quarter > index_day.index_month - interval 15 month
),

diagnosed as (
    select
        person_id,
        index_month,
        string_agg(morbidity_group_code, ',' order by morbidity_group_code) as morbidity_codes,
        count(*) as morbidity_count
    from ill
    group by person_id, index_month
),

final as (
    select
        resident.person_id,
        resident.index_month,
        resident.sex_code,
        resident.age_years,
        coalesce(lived.history_days, 0) as history_days,
        coalesce(spent.cost_eur, cast(0 as decimal(18, 2))) as cost_eur,
        coalesce(spent.recent_cost_eur, cast(0 as decimal(18, 2))) as recent_cost_eur,
        coalesce(spent.hospital_cost_eur, cast(0 as decimal(18, 2))) as hospital_cost_eur,
        coalesce(spent.social_cost_eur, cast(0 as decimal(18, 2))) as social_cost_eur,
        coalesce(spent.encounter_count, 0) as encounter_count,
        coalesce(spent.episode_count, 0) as episode_count,
        coalesce(spent.emergency_count, 0) as emergency_count,
        coalesce(spent.stay_count, 0) as stay_count,
        coalesce(spent.package_count, 0) as package_count,
        in_hospital.person_id is not null as is_in_hospital,
        coalesce(served.ladder_rank, 0) as ladder_rank,
        date_diff('day', served.step_from_date, resident.index_month) as step_days,
        served.week_hours,
        coalesce(served.other_service_count, 0) as other_service_count,
        coalesce(served.begun_step_count, 0) as begun_step_count,
        coalesce(served.open_application_count, 0) as open_application_count,
        coalesce(served.refused_application_count, 0) as refused_application_count,
        caring.person_id is not null as is_carer,
        cared.carer_age_years,
        cared.carer_encounter_count,
        assessed.maple_score,
        assessed.cps_score,
        assessed.adlh_score,
        assessed.iadl_score,
        assessed.first_maple_score,
        assessed.first_cps_score,
        assessed.first_adlh_score,
        assessed.first_iadl_score,
        date_diff('day', assessed.assessed_date, resident.index_month) as assessed_before_days,
        date_diff('day', assessed.first_assessed_date, assessed.assessed_date)
            as assessed_over_days,
        coalesce(diagnosed.morbidity_codes, '') as morbidity_codes,
        coalesce(diagnosed.morbidity_count, 0) as morbidity_count
    from resident
    left join lived
        on resident.person_id = lived.person_id and resident.index_month = lived.index_month
    left join spent
        on resident.person_id = spent.person_id and resident.index_month = spent.index_month
    left join in_hospital
        on
            resident.person_id = in_hospital.person_id
            and resident.index_month = in_hospital.index_month
    left join served
        on resident.person_id = served.person_id and resident.index_month = served.index_month
    left join caring
        on resident.person_id = caring.person_id and resident.index_month = caring.index_month
    left join cared
        on resident.person_id = cared.person_id and resident.index_month = cared.index_month
    left join assessed
        on resident.person_id = assessed.person_id and resident.index_month = assessed.index_month
    left join diagnosed
        on
            resident.person_id = diagnosed.person_id
            and resident.index_month = diagnosed.index_month
)

select
    person_id,
    index_month,
    sex_code,
    age_years,
    history_days,
    cost_eur,
    recent_cost_eur,
    hospital_cost_eur,
    social_cost_eur,
    encounter_count,
    episode_count,
    emergency_count,
    stay_count,
    package_count,
    is_in_hospital,
    ladder_rank,
    step_days,
    week_hours,
    other_service_count,
    begun_step_count,
    open_application_count,
    refused_application_count,
    is_carer,
    carer_age_years,
    carer_encounter_count,
    maple_score,
    cps_score,
    adlh_score,
    iadl_score,
    first_maple_score,
    first_cps_score,
    first_adlh_score,
    first_iadl_score,
    assessed_before_days,
    assessed_over_days,
    morbidity_codes,
    morbidity_count
from final
