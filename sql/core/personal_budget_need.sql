-- grain: One row per occasion of a proposal, and service that the assessment gives a class of.
-- key: [person_id, budget_group_code, proposed_from_date, service_code]
-- may_be_empty: nobody may have been assessed
with
-- Score in force on the day, by scale; an instrument with one total score is a scale of its name.
scored as (
    select
        occasion.person_id,
        occasion.budget_group_code,
        occasion.proposed_from_date,
        case
            when assessment.scale_code = 'TOTAL' then assessment.instrument_code
            else assessment.scale_code
        end as need_scale_code,
        assessment.assessment_id,
        assessment.assessed_date,
        assessment.score
    from core.personal_budget_occasion as occasion
    inner join core.need_assessment as assessment
        on
            occasion.person_id = assessment.person_id
            and occasion.proposed_from_date >= assessment.assessed_date
            and occasion.proposed_from_date
            < coalesce(assessment.valid_to_date, date '9999-12-31')
),

newest as (
    select *
    from scored
    qualify row_number() over (
        partition by person_id, budget_group_code, proposed_from_date, need_scale_code
        order by assessed_date desc, assessment_id desc
    ) = 1
),

classed as (
    select
        newest.*,
        band.service_code,
        band.class_number
    from newest
    inner join core.personal_budget_rule_version as service_version
        on
            service_version.rulebook_id = 'service'
            and newest.proposed_from_date >= service_version.valid_from_date
            and newest.proposed_from_date < service_version.valid_to_date
    inner join rulebook.personal_budget_service as service
        on
            service_version.valid_from_date = service.valid_from_date
            and newest.budget_group_code = service.budget_group_code
    inner join core.personal_budget_rule_version as class_version
        on
            class_version.rulebook_id = 'class'
            and newest.proposed_from_date >= class_version.valid_from_date
            and newest.proposed_from_date < class_version.valid_to_date
    -- A scale that says nothing of a service has no band for it.
    inner join rulebook.personal_budget_class as band
        on
            class_version.valid_from_date = band.valid_from_date
            and service.service_code = band.service_code
            and newest.need_scale_code = band.need_scale_code
            and newest.score >= band.score_from
            and newest.score <= band.score_to
),

-- The scale that gives the highest class decides; of equal ones the first by code.
deciding as (
    select *
    from classed
    qualify row_number() over (
        partition by person_id, budget_group_code, proposed_from_date, service_code
        order by class_number desc, need_scale_code asc
    ) = 1
),

-- Class 0 has no units: none of the service is proposed.
priced as (
    select
        deciding.*,
        coalesce(unit.month_units, cast(0 as decimal(18, 2))) as month_units,
        price.budget_unit_price_eur
    from deciding
    inner join core.personal_budget_rule_version as unit_version
        on
            unit_version.rulebook_id = 'unit'
            and deciding.proposed_from_date >= unit_version.valid_from_date
            and deciding.proposed_from_date < unit_version.valid_to_date
    inner join core.personal_budget_rule_version as price_version
        on
            price_version.rulebook_id = 'price'
            and deciding.proposed_from_date >= price_version.valid_from_date
            and deciding.proposed_from_date < price_version.valid_to_date
    -- Every service of a version has its units and its price: rulebooks are read so.
    left join rulebook.personal_budget_unit as unit
        on
            unit_version.valid_from_date = unit.valid_from_date
            and deciding.service_code = unit.service_code
            and deciding.class_number = unit.class_number
    left join rulebook.personal_budget_price as price
        on
            price_version.valid_from_date = price.valid_from_date
            and deciding.service_code = price.service_code
),

final as (
    select
        person_id,
        budget_group_code,
        proposed_from_date,
        service_code,
        assessment_id,
        assessed_date,
        need_scale_code,
        score,
        class_number,
        month_units,
        budget_unit_price_eur,
        -- The step at which a class amount is rounded, half up to a cent.
        cast(
            round(cast(month_units as decimal(38, 2)) * budget_unit_price_eur, 2)
            as decimal(18, 2)
        ) as class_month_eur
    from priced
)

select
    person_id,
    budget_group_code,
    proposed_from_date,
    service_code,
    assessment_id,
    assessed_date,
    need_scale_code,
    score,
    class_number,
    month_units,
    budget_unit_price_eur,
    class_month_eur
from final
