-- grain: One row per client group of the study and outcome, budget against control.
-- key: [budget_group_code, outcome_code]
-- purpose: research
-- may_be_empty: nobody may be in the study
with
newest_month as (
    select max(exposure_month) as exposure_month
    from core.register_month
),

-- Research rests on consent: who has taken it back is in no comparison.
participant as (
    select
        person_id,
        budget_group_code,
        cohort_code,
        cast(date_trunc('month', min(valid_from_date)) as date) as start_month
    from core.study_enrolment
    where
        cohort_code in ('budget', 'control')
        and consent_from_date is not null
        and consent_to_date is null
    group by person_id, budget_group_code, cohort_code
),

-- A year before, and a year from the month after the start; the month between is neither.
lived as (
    select
        participant.person_id,
        participant.budget_group_code,
        participant.cohort_code,
        person_month.exposure_month,
        person_month.exposure_month > participant.start_month as is_after
    from participant
    inner join core.person_month as person_month
        on
            participant.person_id = person_month.person_id
            and person_month.exposure_month >= participant.start_month - interval 12 month
            and person_month.exposure_month <= participant.start_month + interval 12 month
    where person_month.exposure_month <> participant.start_month
),

taking_part as (
    select distinct person_id
    from participant
),

used as (
    select
        cost.person_id,
        cost.cost_month,
        sum(coalesce(cost.cost_eur, cast(0 as decimal(18, 2)))) as cost_eur,
        count(case when cost.event_kind_code = 'encounter' then 1 end) as contact_count
    from core.cost as cost
    inner join taking_part on cost.person_id = taking_part.person_id
    group by cost.person_id, cost.cost_month
),

-- What vouchers paid is cost of the client as well.
bought as (
    select
        person_id,
        budget_month,
        sum(paid_eur - returned_eur) as voucher_eur
    from core.voucher_entry
    where entry_kind_code = 'line'
    group by person_id, budget_month
),

-- In whole cents, and hundredths of a contact.
monthly as (
    select
        lived.person_id,
        lived.budget_group_code,
        lived.cohort_code,
        lived.is_after,
        outcome.outcome_code,
        case outcome.outcome_code
            when 'cost_month_eur'
                then
                    cast(coalesce(used.cost_eur, cast(0 as decimal(18, 2))) * 100 as bigint)
                    + cast(coalesce(bought.voucher_eur, cast(0 as decimal(18, 2))) * 100 as bigint)
            else 100 * coalesce(used.contact_count, 0)
        end as hundredths
    from lived
    cross join (
        values ('cost_month_eur'), ('contact_month_count')
    ) as outcome (outcome_code)
    left join used
        on lived.person_id = used.person_id and lived.exposure_month = used.cost_month
    left join bought
        on lived.person_id = bought.person_id and lived.exposure_month = bought.budget_month
),

-- Of the answers up to the month of the start, and of those after it, as hundredths of a point.
scored as (
    select
        participant.person_id,
        participant.budget_group_code,
        participant.cohort_code,
        score.response_month > participant.start_month as is_after,
        case score.instrument_code
            when 'WHODAS-12' then 'whodas_score'
            else concat('whoqol_', score.scale_code, '_score')
        end as outcome_code,
        cast(score.scale_score * 100 as bigint) as hundredths
    from participant
    inner join core.patient_reported_score as score
        on
            participant.person_id = score.person_id
            and score.response_month >= participant.start_month - interval 12 month
            and score.response_month <= participant.start_month + interval 12 month
    where
        score.instrument_code in ('WHODAS-12', 'WHOQOL-BREF') and score.scale_score is not null
),

told as (
    select
        person_id,
        budget_group_code,
        cohort_code,
        is_after,
        outcome_code,
        hundredths
    from monthly
    union all
    select
        person_id,
        budget_group_code,
        cohort_code,
        is_after,
        outcome_code,
        hundredths
    from scored
),

sided as (
    select
        person_id,
        budget_group_code,
        cohort_code,
        outcome_code,
        count(case when is_after then 1 end) as after_count,
        count(case when not is_after then 1 end) as before_count,
        cast(sum(case when is_after then hundredths else 0 end) as double) as after_sum,
        cast(sum(case when is_after then 0 else hundredths end) as double) as before_sum
    from told
    group by person_id, budget_group_code, cohort_code, outcome_code
),

-- Whoever lacks either side has no change to compare. Whole hundredths are summed, so that the
-- order of rows is nothing to the means.
changed as (
    select
        budget_group_code,
        cohort_code,
        outcome_code,
        cast(round(after_sum / after_count - before_sum / before_count) as bigint) as change
    from sided
    where after_count > 0 and before_count > 0
),

summed as (
    select
        budget_group_code,
        cohort_code,
        outcome_code,
        cast(count(*) as bigint) as person_count,
        cast(sum(change) as double) as total,
        cast(sum(change * change) as double) as squares
    from changed
    group by budget_group_code, cohort_code, outcome_code
),

arm as (
    select
        *,
        total / person_count / 100 as mean,
        greatest(squares - total * total / person_count, 0)
        / nullif(person_count - 1, 0) / 10000 as variance
    from summed
),

compared as (
    select
        budget.budget_group_code,
        budget.outcome_code,
        budget.person_count as budget_count,
        control.person_count as control_count,
        budget.mean as budget_change,
        control.mean as control_change,
        1.96e0
        * sqrt(
            budget.variance / budget.person_count + control.variance / control.person_count
        ) as margin
    from arm as budget
    inner join arm as control
        on
            budget.budget_group_code = control.budget_group_code
            and budget.outcome_code = control.outcome_code
    where budget.cohort_code = 'budget' and control.cohort_code = 'control'
),

final as (
    select
        compared.budget_group_code,
        compared.outcome_code,
        compared.budget_count,
        compared.control_count,
        newest_month.exposure_month as until_month,
        round(compared.budget_change, 2) as budget_change,
        round(compared.control_change, 2) as control_change,
        round(compared.budget_change - compared.control_change, 2) as effect,
        round(compared.budget_change - compared.control_change - compared.margin, 2)
            as effect_low,
        round(compared.budget_change - compared.control_change + compared.margin, 2)
            as effect_high
    from compared
    cross join newest_month
)

select
    budget_group_code,
    outcome_code,
    budget_count,
    control_count,
    until_month,
    budget_change,
    control_change,
    effect,
    effect_low,
    effect_high
from final
