-- Persons of the study by topic that may be told of them.
-- Their consent is in force on the day; arm and group are as the matrix says.
with
consent as (
    select
        consent.person_id,
        consent.valid_from_date,
        day.today
    from core.research_consent as consent
    cross join research_day as day
    where
        consent.valid_from_date <= day.today
        and coalesce(consent.valid_to_date, date '9999-12-31') > day.today
),

dated as (
    select
        matrix.*,
        max(matrix.valid_from_date) over () as newest_date
    from rulebook.study_topic as matrix
    cross join research_day as day
    where matrix.valid_from_date <= day.today
)

select
    study.study_enrolment_id,
    study.person_id,
    study.budget_group_code,
    study.cohort_code,
    study.valid_from_date,
    study.valid_to_date,
    consent.valid_from_date as consent_from_date,
    dated.topic_code,
    dated.months_before
from core.study_enrolment as study
inner join consent on study.person_id = consent.person_id
inner join dated on study.cohort_code = dated.cohort_code
where
    dated.valid_from_date = dated.newest_date
    and strpos(
        concat(',', dated.budget_group_codes, ','), concat(',', study.budget_group_code, ',')
    ) > 0
