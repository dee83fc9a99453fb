-- grain: One row per month, provider, language, topic and tone of comments.
-- key: [comment_month, comment_source, provider_id, language_code, topic_code, sentiment_code]
-- purpose: knowledge management
-- may_be_empty: nothing may have been read yet (`tietoallas comments read`)
with
final as (
    select
        comment_month,
        comment_source,
        -- Comments on a protected person's care count, of no provider.
        provider_id,
        language_code,
        topic_code,
        sentiment_code,
        count(*) as comment_count,
        count(case when is_integration_failure then 1 end) as integration_failure_count
    from core.comment_reading
    group by
        comment_month, comment_source, provider_id, language_code, topic_code, sentiment_code
)

select
    comment_month,
    comment_source,
    provider_id,
    language_code,
    topic_code,
    sentiment_code,
    comment_count,
    integration_failure_count
from final
