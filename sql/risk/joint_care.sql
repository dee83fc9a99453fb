-- Who would gain most by joint care, and why, under the ids that client guides know persons by.
select
    audience_person.audience_person_id as person_id,
    worklist.quarter_start_date,
    worklist.joint_care_rank,
    worklist.sign_points,
    worklist.reasons_fi,
    worklist.reasons_sv,
    worklist.reasons_en,
    worklist.package_count,
    worklist.organisation_count,
    worklist.longest_gap_days
from release.joint_care_worklist as worklist
-- Over all persons there are.
inner join audience_person on worklist.person_id = audience_person.person_id
