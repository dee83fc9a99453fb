-- grain: One row per comment in force that was read, with its topic and tone.
-- key: [comment_source, delivery_sequence, record_number]
-- may_be_empty: nothing may have been read yet (`tietoallas comments read`)
with
reading as (
    select
        source || '/' || table_name as comment_source,
        delivery_sequence,
        record_number,
        language_code,
        topic_code,
        sentiment_code,
        is_integration_failure
    from ops.comment_reading
),

-- Where each was said; a comment that is no longer in force has no row.
said as (
    select
        'enrolment_portal/flags' as comment_source,
        delivery_sequence,
        record_number,
        raised_date as comment_date,
        provider_id
    from core.flag
    union all
    select
        'surveys/experience' as comment_source,
        delivery_sequence,
        record_number,
        answered_date as comment_date,
        provider_id
    from core.survey_response
    where survey_code = 'experience' and item_code = 'NPS'
    union all
    select
        'guidance/budget_experience' as comment_source,
        delivery_sequence,
        record_number,
        answered_date as comment_date,
        cast(null as varchar) as provider_id
    from core.guidance_assessment
    where form_code = 'budget_experience' and item_code = 'free_text'
),

final as (
    select
        reading.comment_source,
        reading.delivery_sequence,
        reading.record_number,
        said.comment_date,
        cast(date_trunc('month', said.comment_date) as date) as comment_month,
        said.provider_id,
        reading.language_code,
        reading.topic_code,
        reading.sentiment_code,
        reading.is_integration_failure
    from reading
    inner join said
        on
            reading.comment_source = said.comment_source
            and reading.delivery_sequence = said.delivery_sequence
            and reading.record_number = said.record_number
)

select
    comment_source,
    delivery_sequence,
    record_number,
    comment_date,
    comment_month,
    provider_id,
    language_code,
    topic_code,
    sentiment_code,
    is_integration_failure
from final
