-- grain: One row per step of a proposal of a budget, or why there is none, and service.
-- key: [person_id, budget_group_code, proposed_from_date, step_number, service_code]
-- purpose: client work
-- may_be_empty: nobody may have sought a budget
with
proposed as (
    select
        person_id,
        budget_group_code,
        proposed_from_date,
        max(need_month_eur) as need_month_eur,
        max(moderated_month_eur) as moderated_month_eur,
        max(bounded_month_eur) as bounded_month_eur,
        max(proposal_eur) as proposal_eur,
        max(unmoderated_eur) as unmoderated_eur
    from mart.personal_budget_proposal
    group by person_id, budget_group_code, proposed_from_date
),

assessed as (
    select distinct
        person_id,
        budget_group_code,
        proposed_from_date
    from core.personal_budget_need
),

whole_step as (
    select
        occasion.person_id,
        occasion.budget_group_code,
        occasion.proposed_from_date,
        occasion.proposed_to_date,
        occasion.budget_days,
        occasion.history_months,
        occasion.prior_month_eur,
        proposed.moderated_month_eur - proposed.need_month_eur as change_eur,
        proposed.unmoderated_eur,
        step.step_number,
        step.step_code,
        case step.step_code
            when 'need' then proposed.need_month_eur
            when 'moderation' then proposed.moderated_month_eur
            when 'moderation_skipped' then proposed.moderated_month_eur
            when 'bounds' then proposed.bounded_month_eur
            when 'period' then proposed.proposal_eur
            when 'proposal' then proposed.proposal_eur
        end as step_eur
    from core.personal_budget_occasion as occasion
    cross join (
        values
        (10, 'no_assessment'),
        (25, 'no_need'),
        (40, 'need'),
        (50, 'moderation'),
        (50, 'moderation_skipped'),
        (60, 'bounds'),
        (70, 'period'),
        (90, 'proposal')
    ) as step (step_number, step_code)
    left join proposed
        on
            occasion.person_id = proposed.person_id
            and occasion.budget_group_code = proposed.budget_group_code
            and occasion.proposed_from_date = proposed.proposed_from_date
    left join assessed
        on
            occasion.person_id = assessed.person_id
            and occasion.budget_group_code = assessed.budget_group_code
            and occasion.proposed_from_date = assessed.proposed_from_date
    where
        case step.step_code
            when 'no_assessment' then assessed.person_id is null
            when 'no_need' then assessed.person_id is not null and proposed.person_id is null
            when 'moderation'
                then proposed.person_id is not null and occasion.prior_month_eur is not null
            when 'moderation_skipped'
                then proposed.person_id is not null and occasion.prior_month_eur is null
            when 'bounds' then proposed.bounded_month_eur <> proposed.moderated_month_eur
            else proposed.person_id is not null
        end
),

service_step as (
    select
        need.person_id,
        need.budget_group_code,
        need.proposed_from_date,
        need.service_code,
        need.assessed_date,
        need.need_scale_code,
        need.score,
        need.class_number,
        need.month_units,
        need.budget_unit_price_eur,
        step.step_number,
        step.step_code,
        case step.step_code
            when 'amount' then need.class_month_eur
            when 'service' then proposal.service_eur
        end as step_eur
    from core.personal_budget_need as need
    cross join (
        values
        (20, 'class'),
        (30, 'amount'),
        (80, 'service')
    ) as step (step_number, step_code)
    left join mart.personal_budget_proposal as proposal
        on
            need.person_id = proposal.person_id
            and need.budget_group_code = proposal.budget_group_code
            and need.proposed_from_date = proposal.proposed_from_date
            and need.service_code = proposal.service_code
    where step.step_code = 'class' or need.class_number > 0
),

-- Figures as text; the mark of decimals is each language's own.
written as (
    select
        person_id,
        budget_group_code,
        proposed_from_date,
        step_number,
        step_code,
        cast(null as varchar) as service_code,
        step_eur,
        cast(null as date) as assessed_date,
        proposed_to_date - 1 as last_date,
        '' as scale_text,
        '' as score_text,
        '' as class_text,
        '' as units_text,
        '' as price_text,
        coalesce(replace(cast(prior_month_eur as varchar), '.', '¤'), '') as prior_text,
        cast(history_months as varchar) as months_text,
        coalesce(
            concat(
                case when change_eur > 0 then '+' else '' end,
                replace(cast(change_eur as varchar), '.', '¤')
            ),
            ''
        ) as change_text,
        coalesce(replace(cast(unmoderated_eur as varchar), '.', '¤'), '') as without_text,
        cast(budget_days as varchar) as days_text
    from whole_step
    union all
    select
        person_id,
        budget_group_code,
        proposed_from_date,
        step_number,
        step_code,
        service_code,
        step_eur,
        assessed_date,
        cast(null as date) as last_date,
        need_scale_code as scale_text,
        cast(score as varchar) as score_text,
        cast(class_number as varchar) as class_text,
        replace(cast(month_units as varchar), '.', '¤') as units_text,
        replace(cast(budget_unit_price_eur as varchar), '.', '¤') as price_text,
        '' as prior_text,
        '' as months_text,
        '' as change_text,
        '' as without_text,
        '' as days_text
    from service_step
),

sentence as (
    select
        step_code,
        'fi' as language_code,
        text_fi as template
    from rulebook.personal_budget_sentence
    union all
    select
        step_code,
        'sv' as language_code,
        text_sv as template
    from rulebook.personal_budget_sentence
    union all
    select
        step_code,
        'en' as language_code,
        text_en as template
    from rulebook.personal_budget_sentence
),

named as (
    select
        written.*,
        sentence.language_code,
        sentence.template,
        coalesce(
            case sentence.language_code
                when 'fi' then service.name_fi
                when 'sv' then service.name_sv
                else service.name_en
            end,
            written.service_code, ''
        ) as service_text,
        coalesce(
            case sentence.language_code
                when 'fi' then service.units_fi
                when 'sv' then service.units_sv
                else service.units_en
            end,
            ''
        ) as unit_text
    from written
    inner join sentence on written.step_code = sentence.step_code
    left join rulebook.voucher_service as service
        on written.service_code = service.service_code
),

filled as (
    select
        *,
        replace(
            replace(
                replace(
                    replace(
                        replace(
                            replace(
                                replace(
                                    replace(template, '{service}', service_text),
                                    '{unit}', unit_text
                                ),
                                '{units}', units_text
                            ),
                            '{scale}', scale_text
                        ),
                        '{score}', score_text
                    ),
                    '{class}', class_text
                ),
                '{price}', price_text
            ),
            '{eur}', coalesce(replace(cast(step_eur as varchar), '.', '¤'), '')
        ) as half_filled
    from named
),

dated as (
    select
        *,
        replace(
            replace(
                replace(
                    replace(
                        replace(
                            replace(
                                replace(
                                    replace(half_filled, '{prior}', prior_text),
                                    '{months}', months_text
                                ),
                                '{change}', change_text
                            ),
                            '{without}', without_text
                        ),
                        '{days}', days_text
                    ),
                    '{date}', coalesce(cast(assessed_date as varchar), '')
                ),
                '{from}', cast(proposed_from_date as varchar)
            ),
            '{to}', coalesce(cast(last_date as varchar), '')
        ) as text
    from filled
),

final as (
    select
        person_id,
        budget_group_code,
        proposed_from_date,
        step_number,
        step_code,
        service_code,
        step_eur,
        max(case when language_code = 'fi' then replace(text, '¤', ',') end) as text_fi,
        max(case when language_code = 'sv' then replace(text, '¤', ',') end) as text_sv,
        max(case when language_code = 'en' then replace(text, '¤', '.') end) as text_en
    from dated
    group by
        person_id,
        budget_group_code,
        proposed_from_date,
        step_number,
        step_code,
        service_code,
        step_eur
)

select
    person_id,
    budget_group_code,
    proposed_from_date,
    step_number,
    step_code,
    service_code,
    step_eur,
    text_fi,
    text_sv,
    text_en
from final
