-- Scores of the newest day in words, under the ids that client guides know persons by.
select
    audience_person.audience_person_id as person_id,
    score.target_code,
    score.index_month as index_date,
    score.score_state_code,
    score.probability,
    score.low_probability,
    score.high_probability,
    score.percentile,
    reason_1.name_fi as first_reason_fi,
    reason_2.name_fi as second_reason_fi,
    reason_3.name_fi as third_reason_fi,
    reason_1.name_sv as first_reason_sv,
    reason_2.name_sv as second_reason_sv,
    reason_3.name_sv as third_reason_sv,
    reason_1.name_en as first_reason_en,
    reason_2.name_en as second_reason_en,
    reason_3.name_en as third_reason_en,
    score.package_count,
    score.model_id as model_version
from release.score
-- Over all persons there are.
inner join audience_person on score.person_id = audience_person.person_id
left join rulebook.risk_reason as reason_1 on score.first_reason_code = reason_1.reason_code
left join rulebook.risk_reason as reason_2 on score.second_reason_code = reason_2.reason_code
left join rulebook.risk_reason as reason_3 on score.third_reason_code = reason_3.reason_code
where score.index_month = (select max(newest.index_month) from release.score as newest)
