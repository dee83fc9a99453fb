-- grain: One row per survey, response and scale of its instrument, scored or not.
-- key: [survey_code, response_id, scale_code]
-- partition: response_month
-- may_be_empty: nobody may have been asked
-- touched:
--   - select response_month from changed.survey_response
with
-- How many items of the form were answered, whether a scale counts them or not.
form as (
    select
        survey_code,
        response_id,
        count(answer) as answered_count
    from core.survey_response
    where person_id is not null
    group by survey_code, response_id
),

counted as (
    select
        response.survey_code,
        response.response_id,
        item.scale_code,
        response.instrument_code,
        response.instrument_version,
        response.person_id,
        response.provider_id,
        response.answered_date,
        response.response_month,
        response.language_code,
        response.cohort_code,
        response.round_number,
        count(response.answer) as answered_count,
        sum(
            case item.counted_as_code
                when 'turned' then 6 - response.answer
                when 'pain' then 5 - (response.answer + 2) // 3
                else response.answer
            end
        ) as raw_sum
    from core.survey_response as response
    -- Items that no scale counts are asked for their own sake.
    inner join rulebook.instrument_item as item
        on
            response.instrument_code = item.instrument_code
            and response.item_code = item.item_code
    where response.person_id is not null
    group by
        response.survey_code,
        response.response_id,
        item.scale_code,
        response.instrument_code,
        response.instrument_version,
        response.person_id,
        response.provider_id,
        response.answered_date,
        response.response_month,
        response.language_code,
        response.cohort_code,
        response.round_number
),

judged as (
    select
        counted.*,
        scale.method_code,
        scale.lowest_answer,
        scale.highest_answer,
        scale.item_count - counted.answered_count <= scale.most_missing_count
        and scale.form_item_count - form.answered_count <= scale.most_missing_in_form_count
            as is_scored
    from counted
    inner join form
        on counted.survey_code = form.survey_code and counted.response_id = form.response_id
    inner join rulebook.instrument_scale as scale
        on
            counted.instrument_code = scale.instrument_code
            and counted.scale_code = scale.scale_code
),

-- From 0 to 100 to a tenth, halves up, in whole numbers: (2a + b) // 2b.
final as (
    select
        judged.survey_code,
        judged.response_id,
        judged.scale_code,
        judged.instrument_code,
        judged.instrument_version,
        judged.person_id,
        judged.provider_id,
        judged.answered_date,
        judged.response_month,
        judged.language_code,
        judged.cohort_code,
        judged.round_number,
        cast(judged.answered_count as integer) as answered_count,
        cast(
            case
                when not judged.is_scored then null
                when judged.method_code = 't_score' then promis_t_score.t_score
                else
                    cast(
                        (
                            2000
                            * cast(
                                judged.raw_sum - judged.answered_count * judged.lowest_answer
                                as bigint
                            )
                            + judged.answered_count
                            * (judged.highest_answer - judged.lowest_answer)
                        )
                        // (
                            2 * judged.answered_count
                            * (judged.highest_answer - judged.lowest_answer)
                        ) as decimal(9, 0)
                    ) * 0.1
            end as decimal(5, 1)
        ) as scale_score
    from judged
    left join rulebook.promis_t_score as promis_t_score
        on
            judged.scale_code = promis_t_score.scale_code
            and judged.raw_sum = promis_t_score.raw_sum
)

select
    survey_code,
    response_id,
    scale_code,
    instrument_code,
    instrument_version,
    person_id,
    provider_id,
    answered_date,
    response_month,
    language_code,
    cohort_code,
    round_number,
    answered_count,
    scale_score
from final
