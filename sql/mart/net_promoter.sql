-- grain: One row per survey, month, provider, site and language in which clients were asked.
-- key: [survey_code, response_month, provider_id, site_id, language_code]
-- purpose: knowledge management
-- may_be_empty: nobody may have been asked
with
asked as (
    select
        survey_code,
        response_month,
        provider_id,
        site_id,
        language_code,
        answer
    from core.survey_response
    where survey_code = 'experience' and item_code = 'NPS' and answer is not null
    union all
    -- Clients of the personal budget judge the budget, no provider.
    select
        form_code as survey_code,
        cast(date_trunc('month', answered_date) as date) as response_month,
        cast(null as varchar) as provider_id,
        cast(null as varchar) as site_id,
        cast(null as varchar) as language_code,
        score as answer
    from core.guidance_assessment
    where form_code = 'budget_experience' and item_code = 'recommendation' and score is not null
),

final as (
    select
        survey_code,
        response_month,
        provider_id,
        site_id,
        language_code,
        count(*) as response_count,
        count(case when answer >= 9 then 1 end) as promoter_count,
        count(case when answer <= 6 then 1 end) as detractor_count,
        cast(
            round(
                cast(
                    100 * (
                        count(case when answer >= 9 then 1 end)
                        - count(case when answer <= 6 then 1 end)
                    ) as double
                ) / count(*), 2
            ) as decimal(5, 2)
        ) as net_promoter_score
    from asked
    group by survey_code, response_month, provider_id, site_id, language_code
)

select
    survey_code,
    response_month,
    provider_id,
    site_id,
    language_code,
    response_count,
    promoter_count,
    detractor_count,
    net_promoter_score
from final
