-- One row per item of the form on how the budget is experienced; words written are not told.
select
    answer.person_id,
    answer.answered_date as on_date,
    answer.respondent_code,
    answer.wave_code,
    answer.item_code,
    answer.score
from core.guidance_assessment as answer
where
    answer.form_code = 'budget_experience'
    and answer.is_consented
    and answer.item_code <> 'free_text'
