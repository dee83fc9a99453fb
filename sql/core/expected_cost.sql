-- grain: One row per resident and quarter, with the yearly cost expected on its first day.
-- key: [person_id, index_month]
-- partition: index_month
-- may_be_empty: no need model may have been trained
-- touched:
--   - >-
--     select cast(date_trunc('quarter', register_month.exposure_month) as date)
--     from core.register_month as register_month
--     inner join changed.need_profile as need_profile
--     on register_month.exposure_month >= need_profile.index_month
--   - >-
--     select cast(date_trunc('quarter', register_month.exposure_month) as date)
--     from core.register_month as register_month
--     inner join changed.first_choice as first_choice
--     on register_month.exposure_month >= first_choice.first_choice_date
--   - >-
--     select cast(date_trunc('quarter', register_month.exposure_month) as date)
--     from core.register_month as register_month
--     where exists (select 1 from ops.need_model_run as need_model_run
--     where need_model_run.event_id
--     > (select coalesce(max(build.last_event_id), 0) from ops.build as build))
with
-- The newest training of a model for a month counts.
model as (
    select
        model_id,
        valid_from_month
    from ops.need_model_run
    qualify row_number() over (partition by valid_from_month order by event_id desc) = 1
),

index_month as (
    select distinct index_month
    from core.need_profile
),

-- The newest model in force; before the first one, the first.
chosen as (
    select
        index_month.index_month,
        coalesce(
            arg_max(model.model_id, model.valid_from_month) filter (
                where model.valid_from_month <= index_month.index_month
            ),
            arg_min(model.model_id, model.valid_from_month)
        ) as model_id
    from index_month
    cross join model
    group by index_month.index_month
),

-- Many people have one profile.
profile as (
    select distinct
        chosen.model_id,
        need_profile.age_sex_code,
        need_profile.morbidity_codes
    from core.need_profile as need_profile
    inner join chosen on need_profile.index_month = chosen.index_month
),

-- Millionths, so that a sum does not hang on its order.
burden as (
    select
        profile.model_id,
        profile.age_sex_code,
        profile.morbidity_codes,
        cast(sum(cast(round(term.coefficient * 1000000) as bigint)) as bigint) as millionths
    from profile
    inner join ops.need_model_coefficient as term
        on
            profile.model_id = term.model_id
            and (
                (term.term_kind = 'age_sex' and profile.age_sex_code = term.term_code)
                or (
                    term.term_kind = 'morbidity'
                    and ',' || profile.morbidity_codes || ','
                    like '%,' || term.term_code || ',%'
                )
            )
    group by profile.model_id, profile.age_sex_code, profile.morbidity_codes
),

rated as (
    select
        burden.model_id,
        burden.age_sex_code,
        burden.morbidity_codes,
        cast(round(exp(cast(burden.millionths as double) / 1000000), 2) as decimal(18, 2))
            as by_morbidity_eur,
        cast(round(average.coefficient, 2) as decimal(18, 2)) as by_age_sex_eur
    from burden
    inner join ops.need_model_coefficient as average
        on
            burden.model_id = average.model_id
            and average.term_kind = 'mean'
            and burden.age_sex_code = average.term_code
),

described as (
    select
        need_profile.person_id,
        need_profile.index_month,
        need_profile.has_history,
        chosen.model_id,
        rated.by_morbidity_eur,
        rated.by_age_sex_eur
    from core.need_profile as need_profile
    inner join chosen on need_profile.index_month = chosen.index_month
    inner join rated
        on
            chosen.model_id = rated.model_id
            and need_profile.age_sex_code = rated.age_sex_code
            and need_profile.morbidity_codes = rated.morbidity_codes
),

-- The quarter in which choice began, or the first one known: on its first day nothing was a chosen
-- provider's doing yet.
earliest_choice as (
    select cast(date_trunc('quarter', min(first_choice_date)) as date) as quarter_month
    from core.first_choice
),

begun as (
    select min(index_month.index_month) as index_month
    from index_month
    inner join earliest_choice on index_month.index_month >= earliest_choice.quarter_month
),

-- The longer the lake's history, the more morbidity it shows: need is against the quarter's mean.
quarter_sum as (
    select
        described.index_month,
        cast(sum(described.by_age_sex_eur) as double)
        / cast(nullif(sum(described.by_morbidity_eur), 0) as double) as level
    from described
    where described.has_history
    group by described.index_month
),

-- Once there is choice, a mean over everybody would have a provider's own diagnoses lower it. Those
-- who have chosen nobody are taken to be as ill as they were when choice began: what more is
-- written of them is the growth, for all.
growth as (
    select
        described.index_month,
        cast(sum(described.by_morbidity_eur) as double)
        / cast(nullif(sum(described.by_age_sex_eur), 0) as double)
        * cast(sum(before.by_age_sex_eur) as double)
        / cast(nullif(sum(before.by_morbidity_eur), 0) as double) as ratio
    from described
    inner join begun on described.index_month > begun.index_month
    -- Who did not live here yet when choice began cannot be compared.
    inner join described as before
        on described.person_id = before.person_id and begun.index_month = before.index_month
    left join core.first_choice as first_choice on described.person_id = first_choice.person_id
    where
        described.has_history
        and before.has_history
        and (
            first_choice.person_id is null
            or first_choice.first_choice_date >= described.index_month
        )
    group by described.index_month
),

-- Where everybody has chosen nothing tells growth, and there is none.
quarter_level as (
    select
        quarter_sum.index_month,
        case
            when begun.index_month is null or quarter_sum.index_month <= begun.index_month
                then quarter_sum.level
            else beginning.level / coalesce(nullif(growth.ratio, 0), 1)
        end as level
    from quarter_sum
    cross join begun
    left join quarter_sum as beginning on begun.index_month = beginning.index_month
    left join growth on quarter_sum.index_month = growth.index_month
),

-- Without a year of history there is nothing to go by but age and sex.
final as (
    select
        described.person_id,
        described.index_month,
        case
            when described.has_history and quarter_level.level is not null
                then
                    cast(
                        round(cast(described.by_morbidity_eur as double) * quarter_level.level, 2)
                        as decimal(18, 2)
                    )
            else described.by_age_sex_eur
        end as expected_eur,
        described.by_age_sex_eur as expected_by_age_sex_eur,
        case
            when
                described.has_history
                and described.by_age_sex_eur > 0
                and quarter_level.level is not null
                then
                    cast(
                        round(
                            cast(described.by_morbidity_eur as double) * quarter_level.level
                            / cast(described.by_age_sex_eur as double),
                            8
                        ) as decimal(18, 8)
                    )
            else cast(1 as decimal(18, 8))
        end as relative_need,
        described.has_history,
        described.model_id
    from described
    left join quarter_level on described.index_month = quarter_level.index_month
)

select
    person_id,
    index_month,
    expected_eur,
    expected_by_age_sex_eur,
    relative_need,
    has_history,
    model_id
from final
