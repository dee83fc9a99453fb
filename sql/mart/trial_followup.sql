-- grain: One row per item of the follow-up and phase of the trial that asks for it.
-- key: [table_code, item_code, phase_code]
-- purpose: knowledge management
with
-- What the lake has of each item, by day or month.
evidence as (
    select
        'scorecards' as evidence_code,
        period_end_date as evidence_date,
        count(*) as row_count
    from core.scorecard_indicator
    group by period_end_date
    union all
    select
        case use_code when 'specialised' then 'specialised_use' else 'emergency_use' end
            as evidence_code,
        period_start_date as evidence_date,
        count(*) as row_count
    from core.standardised_use
    group by
        case use_code when 'specialised' then 'specialised_use' else 'emergency_use' end,
        period_start_date
    union all
    select
        case
            when survey_code = 'health_survey' then 'health_of_enrolled'
            else 'self_reported_health'
        end as evidence_code,
        response_month as evidence_date,
        count(*) as row_count
    from core.patient_reported_score
    where scale_score is not null
    group by
        case
            when survey_code = 'health_survey' then 'health_of_enrolled'
            else 'self_reported_health'
        end,
        response_month
    union all
    select
        'enrolments' as evidence_code,
        valid_from_date as evidence_date,
        count(*) as row_count
    from core.enrolment
    where known_to_seq is null
    group by valid_from_date
    union all
    select
        'staff_sheets' as evidence_code,
        period_end_date as evidence_date,
        count(*) as row_count
    from core.scorecard_staff
    group by period_end_date
    union all
    select
        'staff_survey' as evidence_code,
        survey_date as evidence_date,
        count(*) as row_count
    from core.staff_survey_response
    group by survey_date
    union all
    select
        'client_fees' as evidence_code,
        charge_month as evidence_date,
        count(*) as row_count
    from core.client_fee
    group by charge_month
    union all
    select
        'savings_potential' as evidence_code,
        quarter_start_date as evidence_date,
        count(savings_eur) as row_count
    from mart.savings_potential
    group by quarter_start_date
    union all
    select
        'visits' as evidence_code,
        encounter_month as evidence_date,
        sum(encounter_count) as row_count
    from mart.visits_by_profession
    group by encounter_month
    union all
    select
        'sites' as evidence_code,
        valid_from_date as evidence_date,
        count(*) as row_count
    from core.site
    where sector_code = 'private'
    group by valid_from_date
    union all
    select
        'enrolled' as evidence_code,
        enrolment_month as evidence_date,
        count(*) as row_count
    from mart.enrolled_by_provider
    group by enrolment_month
    union all
    select
        'costs' as evidence_code,
        cost_month as evidence_date,
        count(*) as row_count
    from core.resident_cost
    group by cost_month
    union all
    select
        'hospital_care' as evidence_code,
        episode_month as evidence_date,
        count(*) as row_count
    from core.hospital_episode
    group by episode_month
    union all
    select
        'client_survey' as evidence_code,
        response_month as evidence_date,
        sum(response_count) as row_count
    from mart.net_promoter
    group by response_month
    union all
    select
        'equality' as evidence_code,
        quarter_start_date as evidence_date,
        count(*) as row_count
    from mart.equality
    group by quarter_start_date
    union all
    select
        'service_language' as evidence_code,
        encounter_month as evidence_date,
        sum(encounter_count) as row_count
    from mart.service_language
    group by encounter_month
),

found as (
    select
        evidence.evidence_code,
        phase.phase_code,
        min(evidence.evidence_date) as first_date,
        max(evidence.evidence_date) as last_date,
        sum(evidence.row_count) as row_count
    from evidence
    inner join rulebook.trial_phase as phase
        on
            evidence.evidence_date >= phase.from_date
            and evidence.evidence_date <= phase.to_date
    where evidence.row_count > 0
    group by evidence.evidence_code, phase.phase_code
),

final as (
    select
        item.table_code,
        item.item_code,
        item.phase_code,
        item.ask_code,
        item.reporter_code,
        phase.from_date,
        phase.to_date,
        phase.to_date + phase.due_days as due_date,
        found.first_date,
        found.last_date,
        cast(coalesce(found.row_count, 0) as bigint) as row_count,
        case
            when found.row_count > 0 and reached.reached_date >= phase.to_date then 'available'
            when found.row_count > 0 then 'gathering'
            when item.evidence_code = 'none' then 'outside_lake'
            when reached.reached_date < phase.to_date + phase.due_days then 'not_due'
            when item.ask_code = 'optional' then 'not_given'
            else 'missing'
        end as followup_state_code
    from rulebook.followup_item as item
    inner join rulebook.trial_phase as phase on item.phase_code = phase.phase_code
    cross join core.reached as reached
    left join found
        on item.evidence_code = found.evidence_code and item.phase_code = found.phase_code
)

select
    table_code,
    item_code,
    phase_code,
    ask_code,
    reporter_code,
    from_date,
    to_date,
    due_date,
    first_date,
    last_date,
    row_count,
    followup_state_code
from final
