-- One row per answer to WHOQOL-BREF and domain: 0 to 100, more is better.
select
    score.person_id,
    score.answered_date as on_date,
    score.scale_code,
    score.answered_count,
    score.scale_score
from core.patient_reported_score as score
where score.instrument_code = 'WHOQOL-BREF'
