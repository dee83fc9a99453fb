-- One row per item of the guide's assessment of a client.
select
    answer.person_id,
    answer.answered_date as on_date,
    answer.respondent_code,
    answer.wave_code,
    answer.item_code,
    answer.score
from core.guidance_assessment as answer
where
    answer.form_code = 'worker_assessment'
    and answer.is_consented
    and answer.item_code <> 'free_text'
