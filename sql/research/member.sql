-- Persons of the study by topic that may be told of them: consent in force today, arm and group as the matrix says.
with
consent as (
    select
        consent.person_id,
        consent.valid_from_date
    from core.research_consent as consent
    where
        consent.valid_from_date <= $today
        and coalesce(consent.valid_to_date, date '9999-12-31') > $today
),

matrix as (
    select *
    from rulebook.study_topic
    where
        valid_from_date = (
            select max(valid_from_date)
            from rulebook.study_topic
            where valid_from_date <= $today
        )
)

select
    study.study_enrolment_id,
    study.person_id,
    study.budget_group_code,
    study.cohort_code,
    study.valid_from_date,
    study.valid_to_date,
    consent.valid_from_date as consent_from_date,
    matrix.topic_code,
    matrix.months_before
from core.study_enrolment as study
inner join consent on study.person_id = consent.person_id
inner join matrix on study.cohort_code = matrix.cohort_code
where
    strpos(
        concat(',', matrix.budget_group_codes, ','), concat(',', study.budget_group_code, ',')
    ) > 0
