-- What every cell of a month is paid: person-days at the rate of the year. With budget neutrality
-- the month's cents are those of the base amounts, shared by what each cell would have been paid;
-- cents left go to the largest remainders. Who may not be seen is paid at the mean of the list.
-- And what each would be paid if a factor were left out, of every list: for explanations.
with
cell as (
    select
        scenario.left_out,
        cell.*
    from settle.cell as cell
    cross join
        (values (''), ('regional_factor'), ('need_factor'), ('correction_factor'))
            as scenario (left_out)
),

seen as (
    select
        cell.*,
        rate.age_to,
        rate.base_eur,
        case when cell.left_out = 'regional_factor' then 1.0 else rate.regional_factor end
            as regional_factor,
        case when cell.left_out = 'need_factor' then 1.0 else rate.need_factor end as need_factor,
        case when cell.left_out = 'correction_factor' then 1.0 else rate.correction_factor end
            as correction_factor
    from cell
    inner join settle.rate as rate
        on
            rate.list_month = $list_month
            and cell.provider_id = rate.provider_id
            and cell.age_from = rate.age_from
            and cell.sex_code = rate.sex_code
            and cell.municipality_code = rate.municipality_code
),

-- Millionths of a euro by person-day, before the factors of the group.
mean_of_list as (
    select
        left_out,
        provider_id,
        sum(
            cast(
                cast(round(cast(base_eur as decimal(38, 6)) * regional_factor, 6) as decimal(38, 6))
                * 1000000 as hugeint
            )
            * person_days
        ) as weighted,
        sum(person_days) as person_days
    from seen
    group by left_out, provider_id
),

mean_of_all as (
    select
        left_out,
        sum(weighted) as weighted,
        sum(person_days) as person_days
    from mean_of_list
    group by left_out
),

unseen as (
    select
        cell.*,
        cast(null as integer) as age_to,
        cast(
            cast(
                (
                    2 * coalesce(mean_of_list.weighted, mean_of_all.weighted)
                    + coalesce(mean_of_list.person_days, mean_of_all.person_days)
                )
                // (2 * coalesce(mean_of_list.person_days, mean_of_all.person_days))
                as decimal(18, 0)
            )
            * 0.000001 as decimal(18, 6)
        ) as base_eur,
        cast(1 as decimal(18, 8)) as regional_factor,
        cast(
            case
                when cell.left_out = 'need_factor' then 1.0
                else coalesce(group_factor.need_factor, 1.0)
            end as decimal(18, 8)
        ) as need_factor,
        cast(
            case
                when cell.left_out = 'correction_factor' then 1.0
                else coalesce(group_factor.correction_factor, 1.0)
            end as decimal(18, 8)
        ) as correction_factor
    from cell
    left join mean_of_all on cell.left_out = mean_of_all.left_out
    left join mean_of_list
        on
            cell.left_out = mean_of_list.left_out
            and cell.provider_id = mean_of_list.provider_id
    left join settle.group_factor as group_factor
        on
            group_factor.list_month = $list_month
            and cell.provider_id = group_factor.provider_id
    where cell.age_from is null
),

counted as (
    select *
    from seen
    union all
    select *
    from unseen
),

rated as (
    select
        *,
        rate_of(base_eur, regional_factor, need_factor, correction_factor) as rate_eur
    from counted
),

weighted as (
    select
        *,
        cast(cast(rate_eur as decimal(38, 8)) * 100000000 as hugeint) * person_days as weight,
        euros(rate_eur, person_days, $year_days) as full_eur,
        euros(base_eur, person_days, $year_days) as plain_eur
    from rated
),

totalled as (
    select
        *,
        cast(sum(plain_eur) over (partition by left_out) * 100 as hugeint) as budget_cents,
        cast(sum(weight) over (partition by left_out) as hugeint) as total_weight
    from weighted
),

parted as (
    select
        *,
        case when total_weight = 0 then 0 else budget_cents * weight // total_weight end
            as whole_cents,
        case when total_weight = 0 then 0 else budget_cents * weight % total_weight end
            as remainder
    from totalled
),

ranked as (
    select
        *,
        budget_cents - sum(whole_cents) over (partition by left_out) as cents_left,
        row_number() over (
            partition by left_out
            order by
                remainder desc,
                provider_id asc nulls last,
                site_id asc nulls last,
                age_from asc nulls last,
                sex_code asc nulls last,
                municipality_code asc nulls last,
                is_shadow asc
        ) as place
    from parted
),

final as (
    select
        *,
        case when age_from is null then 'unseen' else 'capitation' end as line_kind_code,
        cast(
            case
                when $is_budget_neutral and total_weight > 0
                    then
                        cast(
                            (
                                2 * budget_cents * $year_days * 100000000000000 + total_weight
                            )
                            // (2 * total_weight) as decimal(18, 0)
                        )
                        * 0.00000001
                else 1
            end as decimal(18, 8)
        ) as neutrality_factor,
        cast(
            case
                when $is_budget_neutral and total_weight > 0
                    then
                        cast(
                            whole_cents + case when place <= cents_left then 1 else 0 end
                            as decimal(18, 0)
                        )
                        * 0.01
                else full_eur
            end as decimal(18, 2)
        ) as amount_eur
    from ranked
)

select
    left_out,
    line_kind_code,
    provider_id,
    site_id,
    age_from,
    sex_code,
    municipality_code,
    is_shadow,
    age_to,
    cast(null as varchar) as procedure_code,
    person_count,
    person_days,
    cast(0 as bigint) as act_count,
    base_eur,
    regional_factor,
    need_factor,
    correction_factor,
    neutrality_factor,
    rate_eur,
    amount_eur
from final
