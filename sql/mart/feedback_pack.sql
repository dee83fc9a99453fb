-- grain: One row per two months, provider and topic, as the expert team handles feedback.
-- key: [pack_start_date, provider_id, topic_code]
-- purpose: knowledge management
-- may_be_empty: nobody may have said anything yet
with
reading as (
    select
        delivery_sequence,
        record_number,
        topic_code,
        sentiment_code
    from core.comment_reading
    where comment_source = 'surveys/experience'
),

-- As the comment was read within the vault's zone; until it is, as the survey coded it.
comment as (
    select
        response.answered_date,
        response.provider_id,
        coalesce(reading.topic_code, response.topic_code) as topic_code,
        coalesce(reading.sentiment_code, response.sentiment_code) as sentiment_code
    from core.survey_response as response
    left join reading
        on
            response.delivery_sequence = reading.delivery_sequence
            and response.record_number = reading.record_number
    where response.survey_code = 'experience' and response.item_code = 'NPS'
),

-- Flags, comments and actions below each other; a column that is not of the kind is empty.
told as (
    select
        'flag' as kind_code,
        flag.raised_date as told_date,
        flag.provider_id,
        flag.topic_code,
        flag.role_code,
        flag.severity_code,
        flag.flag_state_code as state_code,
        verification.verdict_code,
        cast(null as varchar) as sentiment_code
    from core.flag as flag
    inner join core.flag_verification as verification on flag.flag_id = verification.flag_id
    union all
    select
        'comment' as kind_code,
        answered_date as told_date,
        provider_id,
        topic_code,
        cast(null as varchar) as role_code,
        cast(null as varchar) as severity_code,
        cast(null as varchar) as state_code,
        cast(null as varchar) as verdict_code,
        sentiment_code
    from comment
    where topic_code is not null
    union all
    select
        'action' as kind_code,
        agreed_date as told_date,
        provider_id,
        topic_code,
        cast(null as varchar) as role_code,
        cast(null as varchar) as severity_code,
        case when is_overdue then 'overdue' else action_state_code end as state_code,
        cast(null as varchar) as verdict_code,
        cast(null as varchar) as sentiment_code
    from mart.corrective_action_register
),

-- Two calendar months to a pack, from the odd month on: the team meets in the even ones.
final as (
    select
        make_date(year(told_date), month(told_date) - 1 + month(told_date) % 2, 1)
            as pack_start_date,
        -- Flags on a protected person's care count, of no provider.
        provider_id,
        topic_code,
        count(case when kind_code = 'flag' then 1 end) as raised_flag_count,
        count(case when role_code = 'client' then 1 end) as client_flag_count,
        count(case when role_code = 'next_of_kin' then 1 end) as next_of_kin_flag_count,
        count(case when role_code = 'provider' then 1 end) as provider_flag_count,
        count(case when role_code = 'professional' then 1 end) as professional_flag_count,
        count(case when severity_code = 'serious' then 1 end) as serious_flag_count,
        count(case when state_code = 'open' then 1 end) as open_flag_count,
        count(case when verdict_code = 'confirmed' then 1 end) as confirmed_flag_count,
        count(case when verdict_code = 'not_seen' then 1 end) as not_seen_flag_count,
        count(case when verdict_code = 'unclear' then 1 end) as unclear_flag_count,
        count(case when kind_code = 'comment' then 1 end) as comment_count,
        count(case when sentiment_code = 'negative' then 1 end) as negative_comment_count,
        count(case when kind_code = 'action' then 1 end) as action_count,
        count(case when state_code = 'overdue' then 1 end) as overdue_action_count,
        count(case when state_code = 'done' then 1 end) as done_action_count
    from told
    group by
        make_date(year(told_date), month(told_date) - 1 + month(told_date) % 2, 1),
        provider_id,
        topic_code
)

select
    pack_start_date,
    provider_id,
    topic_code,
    raised_flag_count,
    client_flag_count,
    next_of_kin_flag_count,
    provider_flag_count,
    professional_flag_count,
    serious_flag_count,
    open_flag_count,
    confirmed_flag_count,
    not_seen_flag_count,
    unclear_flag_count,
    comment_count,
    negative_comment_count,
    action_count,
    overdue_action_count,
    done_action_count
from final
