-- grain: One row per item of the follow-up, phase of the trial that asks for it, and reporter.
-- key: [table_code, item_code, phase_code, reporter_code]
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
        case
            when indicator_id = 'specialised_use' then 'specialised_use'
            else 'emergency_use'
        end as evidence_code,
        period_start_date as evidence_date,
        count(*) as row_count
    from mart.indicator_value
    -- Of a period whose deliveries are missing nothing is measured.
    where
        indicator_id in ('specialised_use', 'emergency_use', 'avoidable_admissions')
        and state_code in ('measured', 'too_small')
    group by
        case
            when indicator_id = 'specialised_use' then 'specialised_use'
            else 'emergency_use'
        end,
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
        case
            when provider.sector_code = 'public' then 'visits_at_public_sites'
            else 'visits_at_private_sites'
        end as evidence_code,
        visits.encounter_month as evidence_date,
        sum(visits.encounter_count) as row_count
    from mart.visits_by_profession as visits
    -- Visits of protected persons are at no site that could report them.
    inner join core.site_month as site_month
        on
            visits.site_id = site_month.site_id
            and visits.encounter_month = site_month.calendar_month
    inner join core.provider as provider on site_month.provider_id = provider.provider_id
    group by
        case
            when provider.sector_code = 'public' then 'visits_at_public_sites'
            else 'visits_at_private_sites'
        end,
        visits.encounter_month
    union all
    -- Those that stand and those that closed since, not the newly opened alone.
    select
        'open_sites' as evidence_code,
        site_month.calendar_month as evidence_date,
        count(*) as row_count
    from core.site_month as site_month
    inner join core.provider as provider on site_month.provider_id = provider.provider_id
    where provider.sector_code <> 'public'
    group by site_month.calendar_month
    union all
    select
        'availability' as evidence_code,
        t3.measured_month as evidence_date,
        sum(t3.without_named_count) as row_count
    from mart.t3_by_unit as t3
    inner join core.provider as provider on t3.provider_id = provider.provider_id
    where provider.sector_code <> 'public'
    group by t3.measured_month
    union all
    select
        'client_profile' as evidence_code,
        enrolment_month as evidence_date,
        count(*) as row_count
    from mart.client_profile
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
        'hospital_emergency' as evidence_code,
        episode_month as evidence_date,
        count(*) as row_count
    from core.hospital_episode
    where episode_kind_code = 'emergency_visit'
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
    union all
    -- Providers report these in the portal, as flags about no person.
    select
        case when topic_code like 'practice_%' then 'new_practices' else 'providers_view' end
            as evidence_code,
        raised_date as evidence_date,
        count(*) as row_count
    from core.flag
    where
        role_code = 'provider' and (topic_code like 'practice_%' or topic_code like 'provider_%')
    group by
        case when topic_code like 'practice_%' then 'new_practices' else 'providers_view' end,
        raised_date
),

span as (
    select
        rhythm_code,
        phase_code,
        from_date,
        to_date
    from rulebook.followup_window
    union all
    select
        'once' as rhythm_code,
        phase_code,
        from_date,
        to_date
    from rulebook.trial_phase
),

found as (
    select
        evidence.evidence_code,
        span.rhythm_code,
        span.phase_code,
        span.from_date,
        min(evidence.evidence_date) as first_date,
        max(evidence.evidence_date) as last_date,
        sum(evidence.row_count) as row_count
    from evidence
    inner join span
        on
            evidence.evidence_date >= span.from_date
            and evidence.evidence_date <= span.to_date
    where evidence.row_count > 0
    group by evidence.evidence_code, span.rhythm_code, span.phase_code, span.from_date
),

-- An item is there of a phase when each of its spans has something.
counted as (
    select
        item.table_code,
        item.item_code,
        item.phase_code,
        item.ask_code,
        item.reporter_code,
        item.rhythm_code,
        count(*) as span_count,
        count(found.row_count) as found_span_count,
        min(found.first_date) as first_date,
        max(found.last_date) as last_date,
        cast(coalesce(sum(found.row_count), 0) as bigint) as row_count
    from rulebook.followup_item as item
    inner join span
        on item.rhythm_code = span.rhythm_code and item.phase_code = span.phase_code
    left join found
        on
            item.evidence_code = found.evidence_code
            and span.rhythm_code = found.rhythm_code
            and span.phase_code = found.phase_code
            and span.from_date = found.from_date
    group by
        item.table_code,
        item.item_code,
        item.phase_code,
        item.ask_code,
        item.reporter_code,
        item.rhythm_code
),

final as (
    select
        counted.*,
        phase.from_date,
        phase.to_date,
        phase.to_date + phase.due_days as due_date,
        case
            when
                counted.found_span_count = counted.span_count
                and reached.reached_date >= phase.to_date
                then 'available'
            when reached.reached_date < phase.to_date + phase.due_days
                then case when counted.found_span_count > 0 then 'gathering' else 'not_due' end
            when counted.found_span_count > 0 then 'partial'
            when counted.ask_code = 'optional' then 'not_given'
            else 'missing'
        end as followup_state_code
    from counted
    inner join rulebook.trial_phase as phase on counted.phase_code = phase.phase_code
    cross join core.reached as reached
)

select
    table_code,
    item_code,
    phase_code,
    reporter_code,
    ask_code,
    rhythm_code,
    from_date,
    to_date,
    due_date,
    first_date,
    last_date,
    span_count,
    found_span_count,
    row_count,
    followup_state_code
from final
