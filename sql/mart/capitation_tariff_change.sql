-- grain: One row per version of a payment scheme after its first, age band and sex.
-- key: [rulebook_id, version_date, age_from, sex_code]
-- purpose: knowledge management
-- may_be_empty: no payment scheme may have a second version
with
compared as (
    select
        rulebook_id,
        version_date,
        age_from,
        age_to,
        sex_code,
        base_eur,
        previous_base_eur,
        person_years,
        base_eur - previous_base_eur as change_eur,
        cast(
            sum(cast(base_eur as decimal(38, 6)) * person_years) over tariff as double
        ) as yearly_eur,
        cast(
            sum(cast(previous_base_eur as decimal(38, 6)) * person_years) over tariff as double
        ) as previous_yearly_eur
    from mart.capitation_tariff
    where previous_base_eur is not null
    window tariff as (partition by rulebook_id, version_date)
),

-- Two steps that add up: all bands move with the tariff's level, then each by itself.
stepped as (
    select
        *,
        case
            when previous_yearly_eur > 0
                then
                    cast(
                        round(
                            cast(previous_base_eur as double)
                            * (yearly_eur / previous_yearly_eur - 1),
                            6
                        ) as decimal(18, 6)
                    )
            else cast(0 as decimal(18, 6))
        end as level_change_eur
    from compared
),

final as (
    select
        rulebook_id,
        version_date,
        age_from,
        age_to,
        sex_code,
        previous_base_eur,
        level_change_eur,
        cast(change_eur - level_change_eur as decimal(18, 6)) as own_change_eur,
        cast(change_eur as decimal(18, 6)) as change_eur,
        base_eur,
        cast(
            round(
                100 * cast(change_eur as double) / nullif(cast(previous_base_eur as double), 0),
                4
            ) as decimal(18, 4)
        ) as change_pct,
        person_years,
        -- From the largest rise to the largest fall, in euros of a year.
        row_number() over (
            partition by rulebook_id, version_date
            order by
                cast(change_eur as decimal(38, 6)) * person_years desc,
                change_eur desc,
                sex_code asc,
                age_from asc
        ) as change_rank
    from stepped
)

select
    rulebook_id,
    version_date,
    age_from,
    age_to,
    sex_code,
    previous_base_eur,
    level_change_eur,
    own_change_eur,
    change_eur,
    base_eur,
    change_pct,
    person_years,
    change_rank
from final
