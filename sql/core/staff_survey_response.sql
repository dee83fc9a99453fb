-- grain: One row per provider, round of the staff survey, respondent and statement.
-- key: [provider_id, survey_date, respondent_number, item_code]
-- may_be_empty: no round may have been held
with
final as (
    select
        staff_survey.provider_id,
        staff_survey.survey_date,
        staff_survey.respondent_number,
        staff_survey.item_code,
        staff_survey.profession_group_code,
        staff_survey.answer,
        staff_survey.delivery_sequence,
        staff_survey.record_number
    from current.staff_survey as staff_survey
    -- Answers of the staff of a provider nobody knows wait in core.unresolved.
    inner join core.provider as provider on staff_survey.provider_id = provider.provider_id
)

select
    provider_id,
    survey_date,
    respondent_number,
    item_code,
    profession_group_code,
    answer,
    delivery_sequence,
    record_number
from final
