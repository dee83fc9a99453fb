-- grain: One row per survey, response and item, answered or passed over, in its newest version.
-- key: [survey_code, response_id, item_code]
-- partition: response_month
-- may_be_empty: nobody may have been asked
-- touched:
--   - >-
--     select cast(date_trunc('month', civil_date(health_survey.answered_at)) as date)
--     from staging.health_survey as health_survey
--     inner join changed.person_alias as person_alias
--     on health_survey.person_id = person_alias.alias_person_id
--   - >-
--     select cast(date_trunc('month', patient_reported.answered_date) as date)
--     from staging.patient_reported as patient_reported
--     inner join changed.person_alias as person_alias
--     on patient_reported.person_id = person_alias.alias_person_id
--   - select cast(date_trunc('month', civil_date(answered_at)) as date) from changed.health_survey
--   - select cast(date_trunc('month', answered_date) as date) from changed.patient_reported
--   - select cast(date_trunc('month', civil_date(answered_at)) as date) from changed.experience
--   - >-
--     select cast(date_trunc('month', civil_date(experience.answered_at)) as date)
--     from staging.experience as experience
--     inner join changed.site as site on experience.site_id = site.site_id
with
site as (
    select distinct site_id
    from core.site
),

-- Answers are kept as given: what an instrument turns round is turned when it is scored.
portal_item as (
    select item.item_code
    from (
        values
        ('Global01'),
        ('Global02'),
        ('Global03'),
        ('Global04'),
        ('Global05'),
        ('Global06'),
        ('Global07'),
        ('Global08'),
        ('Global09'),
        ('Global10')
    ) as item (item_code)
),

portal as (
    select
        'health_survey' as survey_code,
        health_survey.answer_set_id as response_id,
        portal_item.item_code,
        health_survey.person_id,
        health_survey.provider_id,
        cast(null as varchar) as site_id,
        health_survey.instrument_code,
        health_survey.instrument_version,
        civil_date(health_survey.answered_at) as answered_date,
        health_survey.language_code,
        cast(null as varchar) as cohort_code,
        health_survey.round_number,
        cast(null as varchar) as age_group_code,
        cast(null as varchar) as topic_code,
        cast(null as varchar) as sentiment_code,
        case portal_item.item_code
            when 'Global01' then health_survey.global01
            when 'Global02' then health_survey.global02
            when 'Global03' then health_survey.global03
            when 'Global04' then health_survey.global04
            when 'Global05' then health_survey.global05
            when 'Global06' then health_survey.global06
            when 'Global07' then health_survey.global07
            when 'Global08' then health_survey.global08
            when 'Global09' then health_survey.global09
            when 'Global10' then health_survey.global10
        end as answer,
        health_survey.delivery_sequence,
        health_survey.record_number
    from current.health_survey as health_survey
    cross join portal_item
),

panel as (
    select
        'patient_reported' as survey_code,
        response_id,
        item_code,
        person_id,
        cast(null as varchar) as provider_id,
        cast(null as varchar) as site_id,
        instrument_code,
        instrument_version,
        answered_date,
        language_code,
        cohort_code,
        cast(null as integer) as round_number,
        cast(null as varchar) as age_group_code,
        cast(null as varchar) as topic_code,
        cast(null as varchar) as sentiment_code,
        answer,
        delivery_sequence,
        record_number
    from current.patient_reported
),

visit_item as (
    select item.item_code
    from (
        values
        ('NPS'),
        ('access'),
        ('listened'),
        ('involved'),
        ('informed'),
        ('benefit')
    ) as item (item_code)
),

visit as (
    select
        'experience' as survey_code,
        experience.response_id,
        visit_item.item_code,
        cast(null as bigint) as person_id,
        experience.provider_id,
        experience.site_id,
        'NPS' as instrument_code,
        cast(null as varchar) as instrument_version,
        civil_date(experience.answered_at) as answered_date,
        experience.language_code,
        cast(null as varchar) as cohort_code,
        cast(null as integer) as round_number,
        experience.age_group_code,
        experience.topic_code,
        experience.sentiment_code,
        case visit_item.item_code
            when 'NPS' then experience.recommendation
            when 'access' then experience.access_answer
            when 'listened' then experience.listened_answer
            when 'involved' then experience.involved_answer
            when 'informed' then experience.informed_answer
            when 'benefit' then experience.benefit_answer
        end as answer,
        experience.delivery_sequence,
        experience.record_number
    from current.experience as experience
    -- An answer about a site nobody knows waits in core.unresolved.
    inner join site on experience.site_id = site.site_id
    cross join visit_item
),

response as (
    select
        survey_code,
        response_id,
        item_code,
        person_id,
        provider_id,
        site_id,
        instrument_code,
        instrument_version,
        answered_date,
        language_code,
        cohort_code,
        round_number,
        age_group_code,
        topic_code,
        sentiment_code,
        answer,
        delivery_sequence,
        record_number
    from portal
    union all
    select
        survey_code,
        response_id,
        item_code,
        person_id,
        provider_id,
        site_id,
        instrument_code,
        instrument_version,
        answered_date,
        language_code,
        cohort_code,
        round_number,
        age_group_code,
        topic_code,
        sentiment_code,
        answer,
        delivery_sequence,
        record_number
    from panel
    union all
    select
        survey_code,
        response_id,
        item_code,
        person_id,
        provider_id,
        site_id,
        instrument_code,
        instrument_version,
        answered_date,
        language_code,
        cohort_code,
        round_number,
        age_group_code,
        topic_code,
        sentiment_code,
        answer,
        delivery_sequence,
        record_number
    from visit
),

final as (
    select
        response.survey_code,
        response.response_id,
        response.item_code,
        coalesce(person_alias.person_id, response.person_id) as person_id,
        response.provider_id,
        response.site_id,
        response.instrument_code,
        response.instrument_version,
        response.answered_date,
        cast(date_trunc('month', response.answered_date) as date) as response_month,
        response.language_code,
        response.cohort_code,
        response.round_number,
        response.age_group_code,
        response.topic_code,
        response.sentiment_code,
        response.answer,
        response.delivery_sequence,
        response.record_number
    from response
    left join core.person_alias as person_alias
        on response.person_id = person_alias.alias_person_id
)

select
    survey_code,
    response_id,
    item_code,
    person_id,
    provider_id,
    site_id,
    instrument_code,
    instrument_version,
    answered_date,
    response_month,
    language_code,
    cohort_code,
    round_number,
    age_group_code,
    topic_code,
    sentiment_code,
    answer,
    delivery_sequence,
    record_number
from final
