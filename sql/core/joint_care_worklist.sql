-- grain: One row per client who would gain by joint care, in the newest quarter that is over.
-- key: [person_id]
-- may_be_empty: the sources may not have begun to send, or nobody may have signs enough
with
newest as (
    select max(quarter.quarter_start_date) as quarter_start_date
    from core.client_integration as quarter
    cross join core.reached as reached
    where quarter.quarter_start_date + interval 3 month <= reached.reached_date + interval 1 day
),

terms as (
    select least_points
    from rulebook.joint_care_terms
    where
        valid_from_date
        = (select max(newest.valid_from_date) from rulebook.joint_care_terms as newest)
),

word as (
    select
        sign_code,
        name_fi,
        name_sv,
        name_en
    from rulebook.joint_care_sign
    qualify row_number() over (partition by sign_code order by valid_from_date desc) = 1
),

-- The weightiest reason first.
reasoned as (
    select
        sign.person_id,
        sign.quarter_start_date,
        cast(sum(sign.sign_points) as integer) as sign_points,
        count(*) as sign_count,
        string_agg(word.name_fi, '; ' order by sign.sign_points desc, sign.sign_code asc)
            as reasons_fi,
        string_agg(word.name_sv, '; ' order by sign.sign_points desc, sign.sign_code asc)
            as reasons_sv,
        string_agg(word.name_en, '; ' order by sign.sign_points desc, sign.sign_code asc)
            as reasons_en
    from core.joint_care_sign as sign
    inner join newest on sign.quarter_start_date = newest.quarter_start_date
    inner join word on sign.sign_code = word.sign_code
    group by sign.person_id, sign.quarter_start_date
),

-- Of as many points, whose services are more scattered; those alike in all of it share a rank.
final as (
    select
        reasoned.person_id,
        reasoned.quarter_start_date,
        rank() over (
            order by
                reasoned.sign_points desc,
                integration.organisation_count desc nulls last,
                integration.longest_gap_days desc nulls last,
                integration.package_count desc
        ) as joint_care_rank,
        reasoned.sign_points,
        reasoned.sign_count,
        integration.package_count,
        integration.organisation_count,
        integration.longest_gap_days,
        reasoned.reasons_fi,
        reasoned.reasons_sv,
        reasoned.reasons_en
    from reasoned
    cross join terms
    inner join core.client_integration as integration
        on
            reasoned.person_id = integration.person_id
            and reasoned.quarter_start_date = integration.quarter_start_date
    where reasoned.sign_points >= terms.least_points
)

select
    person_id,
    quarter_start_date,
    joint_care_rank,
    sign_points,
    sign_count,
    package_count,
    organisation_count,
    longest_gap_days,
    reasons_fi,
    reasons_sv,
    reasons_en
from final
