-- grain: One row per day of choice, client group, and trait by which chosen and controls compare.
-- key: [selected_date, client_group_code, trait_code]
-- purpose: knowledge management
-- may_be_empty: no day of choice may have come
with
measured as (
    select
        selection.selected_date,
        selection.client_group_code,
        trait.trait_code,
        selection.arm_code,
        case trait.trait_code when 'prior_use_eur' then 100 else 1 end as parts,
        case trait.trait_code
            when 'need_points' then cast(selection.need_points as bigint)
            when 'prior_use_eur' then cast(selection.prior_use_eur * 100 as bigint)
            when 'age_years' then cast(selection.age_years as bigint)
            when 'is_woman' then case when selection.sex_code = '2' then 1 else 0 end
        end as value
    from mart.budget_selection as selection
    cross join (
        values ('need_points'), ('prior_use_eur'), ('age_years'), ('is_woman')
    ) as trait (trait_code)
    where selection.arm_code <> 'candidate'
),

-- Whole numbers are summed, so that the order of rows is nothing to the means.
summed as (
    select
        selected_date,
        client_group_code,
        trait_code,
        arm_code,
        max(parts) as parts,
        cast(count(*) as bigint) as pair_count,
        cast(sum(value) as double) as total,
        cast(sum(value * value) as double) as squares
    from measured
    group by selected_date, client_group_code, trait_code, arm_code
),

arm as (
    select
        *,
        total / pair_count / parts as mean,
        greatest(squares - total * total / pair_count, 0)
        / nullif(pair_count - 1, 0) / parts / parts as variance
    from summed
),

-- In units of the mean standard deviation of both arms; without any, only like means are alike.
standardised as (
    select
        chosen.selected_date,
        chosen.client_group_code,
        chosen.trait_code,
        chosen.pair_count,
        chosen.mean as chosen_mean,
        control.mean as control_mean,
        case
            when chosen.mean = control.mean then 0
            else
                (chosen.mean - control.mean)
                / nullif(sqrt((chosen.variance + control.variance) / 2), 0)
        end as mean_difference
    from arm as chosen
    inner join arm as control
        on
            chosen.selected_date = control.selected_date
            and chosen.client_group_code = control.client_group_code
            and chosen.trait_code = control.trait_code
    where chosen.arm_code = 'chosen' and control.arm_code = 'control'
),

final as (
    select
        standardised.selected_date,
        standardised.client_group_code,
        standardised.trait_code,
        standardised.pair_count,
        round(standardised.chosen_mean, 4) as chosen_mean,
        round(standardised.control_mean, 4) as control_mean,
        round(standardised.mean_difference, 4) as standardised_mean_difference,
        coalesce(
            abs(standardised.mean_difference) < cast(selection.balance_limit as double), false
        ) as is_balanced
    from standardised
    inner join rulebook.budget_selection as selection
        on
            standardised.selected_date = selection.valid_from_date
            and standardised.client_group_code = selection.client_group_code
)

select
    selected_date,
    client_group_code,
    trait_code,
    pair_count,
    chosen_mean,
    control_mean,
    standardised_mean_difference,
    is_balanced
from final
