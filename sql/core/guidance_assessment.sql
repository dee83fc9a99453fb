-- grain: One row per set of answers in the study of personal budgets and item of its form.
-- key: [form_code, answer_id, item_code]
-- may_be_empty: the source may not have begun to send
with
-- Items of the two forms that come with a column each. One that was not answered keeps its row,
-- without a score: who leaves what unanswered is part of the result.
form_item as (
    select
        form_item.form_code,
        form_item.item_code
    from (
        values
        ('daily_life_impact', 'everyday_life'),
        ('daily_life_impact', 'study_or_work'),
        ('daily_life_impact', 'home'),
        ('daily_life_impact', 'relationships'),
        ('daily_life_impact', 'leisure'),
        ('daily_life_impact', 'money'),
        ('daily_life_impact', 'health'),
        ('daily_life_impact', 'future'),
        ('budget_experience', 'choice'),
        ('budget_experience', 'information'),
        ('budget_experience', 'sufficiency'),
        ('budget_experience', 'quality'),
        ('budget_experience', 'guidance'),
        ('budget_experience', 'ease'),
        ('budget_experience', 'recommendation'),
        ('budget_experience', 'free_text')
    ) as form_item (form_code, item_code)
),

guides_answer as (
    select
        'worker_assessment' as form_code,
        worker_assessment.assessment_id as answer_id,
        worker_assessment.item_code,
        worker_assessment.person_id,
        'guide' as respondent_code,
        worker_assessment.guide_code,
        worker_assessment.wave_code,
        worker_assessment.assessed_date as answered_date,
        worker_assessment.score,
        cast(null as varchar) as text_language_code,
        cast(null as varchar) as sentiment_code,
        worker_assessment.delivery_sequence,
        worker_assessment.record_number
    from current.worker_assessment as worker_assessment
),

daily_life_answer as (
    select
        form_item.form_code,
        daily_life_impact.answer_id,
        form_item.item_code,
        daily_life_impact.person_id,
        daily_life_impact.respondent_code,
        cast(null as varchar) as guide_code,
        daily_life_impact.wave_code,
        daily_life_impact.answered_date,
        case form_item.item_code
            when 'everyday_life' then daily_life_impact.everyday_life_score
            when 'study_or_work' then daily_life_impact.study_or_work_score
            when 'home' then daily_life_impact.home_score
            when 'relationships' then daily_life_impact.relationships_score
            when 'leisure' then daily_life_impact.leisure_score
            when 'money' then daily_life_impact.money_score
            when 'health' then daily_life_impact.health_score
            when 'future' then daily_life_impact.future_score
        end as score,
        cast(null as varchar) as text_language_code,
        cast(null as varchar) as sentiment_code,
        daily_life_impact.delivery_sequence,
        daily_life_impact.record_number
    from current.daily_life_impact as daily_life_impact
    inner join form_item on form_item.form_code = 'daily_life_impact'
),

experience_answer as (
    select
        form_item.form_code,
        budget_experience.answer_id,
        form_item.item_code,
        budget_experience.person_id,
        budget_experience.respondent_code,
        cast(null as varchar) as guide_code,
        budget_experience.wave_code,
        budget_experience.answered_date,
        case form_item.item_code
            when 'choice' then budget_experience.choice_score
            when 'information' then budget_experience.information_score
            when 'sufficiency' then budget_experience.sufficiency_score
            when 'quality' then budget_experience.quality_score
            when 'guidance' then budget_experience.guidance_score
            when 'ease' then budget_experience.ease_score
            when 'recommendation' then budget_experience.recommendation_score
        end as score,
        case when form_item.item_code = 'free_text' then budget_experience.text_language_code end
            as text_language_code,
        case when form_item.item_code = 'free_text' then budget_experience.sentiment_code end
            as sentiment_code,
        budget_experience.delivery_sequence,
        budget_experience.record_number
    from current.budget_experience as budget_experience
    inner join form_item on form_item.form_code = 'budget_experience'
),

answer as (
    select * from guides_answer
    union all
    select * from daily_life_answer
    union all
    select * from experience_answer
),

answer_of_person as (
    select
        answer.*,
        coalesce(person_alias.person_id, answer.person_id) as present_person_id
    from answer
    left join core.person_alias as person_alias
        on answer.person_id = person_alias.alias_person_id
),

final as (
    select
        answer_of_person.form_code,
        answer_of_person.answer_id,
        answer_of_person.item_code,
        answer_of_person.present_person_id as person_id,
        answer_of_person.respondent_code,
        answer_of_person.guide_code,
        answer_of_person.wave_code,
        answer_of_person.answered_date,
        answer_of_person.score,
        answer_of_person.text_language_code,
        answer_of_person.sentiment_code,
        -- Research takes consented answers of persons who have not withdrawn since.
        research_consent.person_id is not null as is_consented,
        research_consent.valid_to_date as consent_to_date,
        answer_of_person.delivery_sequence,
        answer_of_person.record_number
    from answer_of_person
    -- A person's times of consent do not overlap, so this multiplies nothing.
    left join core.research_consent as research_consent
        on
            answer_of_person.present_person_id = research_consent.person_id
            and answer_of_person.answered_date >= research_consent.valid_from_date
            and (
                research_consent.valid_to_date is null
                or answer_of_person.answered_date < research_consent.valid_to_date
            )
)

select
    form_code,
    answer_id,
    item_code,
    person_id,
    respondent_code,
    guide_code,
    wave_code,
    answered_date,
    score,
    text_language_code,
    sentiment_code,
    is_consented,
    consent_to_date,
    delivery_sequence,
    record_number
from final
