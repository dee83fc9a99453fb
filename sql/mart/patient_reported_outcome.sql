-- grain: One row per quarter, instrument, scale and group of persons who answered.
-- key: [response_quarter, instrument_code, scale_code, group_kind_code, group_code]
-- purpose: knowledge management
-- may_be_empty: nobody may have been asked
with
score as (
    select
        response_id,
        cast(date_trunc('quarter', answered_date) as date) as response_quarter,
        instrument_code,
        scale_code,
        person_id,
        provider_id,
        cohort_code,
        answered_date,
        scale_score
    from core.patient_reported_score
),

grouped as (
    select
        score.*,
        'all' as group_kind_code,
        'all' as group_code
    from score
    union all
    select
        score.*,
        'provider' as group_kind_code,
        score.provider_id as group_code
    from score
    where score.provider_id is not null
    union all
    select
        score.*,
        'cohort' as group_kind_code,
        score.cohort_code as group_code
    from score
    where score.cohort_code is not null
    union all
    select
        score.*,
        'chain' as group_kind_code,
        chain_client.chain_code as group_code
    from score
    -- A person may be a client of several chains.
    inner join core.chain_client as chain_client
        on
            score.person_id = chain_client.person_id
            and score.response_quarter = chain_client.quarter_start_date
),

-- Change since a person's first score in the group: nothing for the first one itself.
ordered as (
    select
        *,
        first_value(scale_score) over (
            partition by person_id, instrument_code, scale_code, group_kind_code, group_code
            order by case when scale_score is null then 1 else 0 end, answered_date, response_id
        ) as first_score,
        row_number() over (
            partition by person_id, instrument_code, scale_code, group_kind_code, group_code
            order by case when scale_score is null then 1 else 0 end, answered_date, response_id
        ) as score_number
    from grouped
),

changed_score as (
    select
        *,
        case when score_number > 1 then scale_score - first_score end as score_change
    from ordered
),

final as (
    select
        changed_score.response_quarter,
        changed_score.instrument_code,
        changed_score.scale_code,
        changed_score.group_kind_code,
        changed_score.group_code,
        scale.better_code,
        count(*) as response_count,
        count(changed_score.scale_score) as scored_count,
        count(distinct changed_score.person_id) as person_count,
        cast(
            round(
                cast(sum(changed_score.scale_score) as double)
                / nullif(count(changed_score.scale_score), 0), 2
            ) as decimal(7, 2)
        ) as score_mean,
        count(changed_score.score_change) as compared_count,
        cast(
            round(
                cast(sum(changed_score.score_change) as double)
                / nullif(count(changed_score.score_change), 0), 2
            ) as decimal(7, 2)
        ) as score_change_mean
    from changed_score
    inner join rulebook.instrument_scale as scale
        on
            changed_score.instrument_code = scale.instrument_code
            and changed_score.scale_code = scale.scale_code
    group by
        changed_score.response_quarter,
        changed_score.instrument_code,
        changed_score.scale_code,
        changed_score.group_kind_code,
        changed_score.group_code,
        scale.better_code
)

select
    response_quarter,
    instrument_code,
    scale_code,
    group_kind_code,
    group_code,
    better_code,
    response_count,
    scored_count,
    person_count,
    score_mean,
    compared_count,
    score_change_mean
from final
