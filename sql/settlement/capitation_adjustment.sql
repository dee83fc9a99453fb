-- Changes to closed months in euros: differences of two amounts over the days of a cell, so that a
-- line and its corrections are together what one line over the corrected days would have been.
with
change as (
    select
        list_month,
        provider_id,
        site_id,
        age_from,
        sex_code,
        municipality_code,
        is_shadow,
        reason_code,
        cast(sum(person_days) as bigint) as person_days
    from settle.change
    group by
        list_month,
        provider_id,
        site_id,
        age_from,
        sex_code,
        municipality_code,
        is_shadow,
        reason_code
    having sum(person_days) <> 0
),

-- Days of the cell as settled so far, and what the rate of its month was, neutrality with it. Where
-- the tariff had none and has one now, days come at nought and the tariff's correction pays them.
rated as (
    select
        change.*,
        coalesce(settled_cell.person_days, 0) as settled_days,
        month.year_days,
        coalesce(
            neutral_rate(rate.rate_eur, month.neutrality_factor),
            case when new_rate.list_month is not null then cast(0 as decimal(18, 8)) end
        ) as rate_eur
    from change
    inner join settle.month as month on change.list_month = month.list_month
    left join settle.settled_cell as settled_cell
        on
            change.list_month = settled_cell.list_month
            and change.provider_id is not distinct from settled_cell.provider_id
            and change.site_id is not distinct from settled_cell.site_id
            and change.age_from is not distinct from settled_cell.age_from
            and change.sex_code is not distinct from settled_cell.sex_code
            and change.municipality_code is not distinct from settled_cell.municipality_code
            and change.is_shadow = settled_cell.is_shadow
    left join settle.rate as rate
        on
            change.list_month = rate.list_month
            and change.provider_id = rate.provider_id
            and change.age_from = rate.age_from
            and change.sex_code = rate.sex_code
            and change.municipality_code = rate.municipality_code
    left join settle.new_rate as new_rate
        on
            change.list_month = new_rate.list_month
            and change.provider_id = new_rate.provider_id
            and change.age_from = new_rate.age_from
            and change.sex_code = new_rate.sex_code
            and change.municipality_code = new_rate.municipality_code
),

following as (
    select
        *,
        settled_days + sum(person_days) over (
            partition by
                list_month,
                provider_id,
                site_id,
                age_from,
                sex_code,
                municipality_code,
                is_shadow
            order by reason_code
        ) as days_after
    from rated
),

of_days as (
    select
        list_month as corrected_month,
        provider_id,
        site_id,
        age_from,
        sex_code,
        municipality_code,
        is_shadow,
        reason_code,
        person_days,
        rate_eur,
        cast(
            euros(rate_eur, days_after, year_days)
            - euros(rate_eur, days_after - person_days, year_days) as decimal(18, 2)
        ) as amount_eur
    from following
),

-- A tariff put right: the days as they stand after all changes, at the new rate less the old one.
standing as (
    select
        list_month,
        provider_id,
        site_id,
        age_from,
        sex_code,
        municipality_code,
        is_shadow,
        cast(sum(person_days) as bigint) as person_days
    from (
        select
            list_month,
            provider_id,
            site_id,
            age_from,
            sex_code,
            municipality_code,
            is_shadow,
            person_days
        from settle.settled_cell
        union all
        select
            list_month,
            provider_id,
            site_id,
            age_from,
            sex_code,
            municipality_code,
            is_shadow,
            person_days
        from change
    ) as counted
    group by
        list_month,
        provider_id,
        site_id,
        age_from,
        sex_code,
        municipality_code,
        is_shadow
),

of_tariff as (
    select
        standing.list_month as corrected_month,
        standing.provider_id,
        standing.site_id,
        standing.age_from,
        standing.sex_code,
        standing.municipality_code,
        standing.is_shadow,
        'tariff_correction' as reason_code,
        cast(0 as bigint) as person_days,
        neutral_rate(new_rate.rate_eur, month.neutrality_factor) as rate_eur,
        cast(
            euros(
                neutral_rate(new_rate.rate_eur, month.neutrality_factor),
                standing.person_days,
                month.year_days
            )
            - coalesce(
                euros(
                    neutral_rate(rate.rate_eur, month.neutrality_factor),
                    standing.person_days,
                    month.year_days
                ),
                0
            ) as decimal(18, 2)
        ) as amount_eur
    from standing
    inner join settle.month as month on standing.list_month = month.list_month
    left join settle.rate as rate
        on
            standing.list_month = rate.list_month
            and standing.provider_id = rate.provider_id
            and standing.age_from = rate.age_from
            and standing.sex_code = rate.sex_code
            and standing.municipality_code = rate.municipality_code
    inner join settle.new_rate as new_rate
        on
            standing.list_month = new_rate.list_month
            and standing.provider_id = new_rate.provider_id
            and standing.age_from = new_rate.age_from
            and standing.sex_code = new_rate.sex_code
            and standing.municipality_code = new_rate.municipality_code
),

final as (
    select *
    from of_days
    union all
    select *
    from of_tariff
    where amount_eur <> 0
)

select
    corrected_month,
    'capitation' as line_kind_code,
    provider_id,
    site_id,
    age_from,
    sex_code,
    municipality_code,
    is_shadow,
    cast(null as varchar) as procedure_code,
    reason_code,
    person_days,
    cast(0 as bigint) as act_count,
    rate_eur,
    amount_eur
from final
