-- grain: One row per agreement on informal care and quarter in which it was in force.
-- key: [agreement_id, quarter_start_date]
-- purpose: client work
-- may_be_empty: the source may not have begun to send
with
covered as (
    select
        min(covers_to_date) as first_date,
        max(covers_to_date) as last_date
    from effective.delivery
    where source = 'apotti' and table_name = 'informal_care_agreements'
),

-- An agreement is told from the first delivery on; what it was before that is not known.
spanned as (
    select
        agreement.*,
        greatest(
            agreement.valid_from_date, cast(date_trunc('month', covered.first_date) as date)
        ) as first_date,
        least(coalesce(agreement.valid_to_date, covered.last_date + 1), covered.last_date + 1)
            as end_date
    from core.informal_care_agreement as agreement
    cross join covered
),

monthly as (
    select
        *,
        cast(
            unnest(
                generate_series(
                    cast(date_trunc('month', first_date) as date), end_date - 1, interval 1 month
                )
            ) as date
        ) as care_month
    from spanned
    where first_date < end_date
),

dated as (
    select
        *,
        date_diff(
            'day',
            greatest(first_date, care_month),
            least(end_date, cast(care_month + interval 1 month as date))
        ) as care_days,
        day(last_day(care_month)) as month_days
    from monthly
),

-- The fee goes by day of the month, half up to a cent, in whole cents.
quarterly as (
    select
        agreement_id,
        cast(date_trunc('quarter', care_month) as date) as quarter_start_date,
        cast(date_trunc('quarter', care_month) + interval 3 month as date) as next_quarter_date,
        person_id,
        cared_person_id,
        fee_class_code,
        fee_month_eur,
        leave_month_days,
        leave_taken_days,
        valid_from_date,
        end_date,
        sum(care_days) as care_days,
        sum(
            (2 * cast(fee_month_eur * 100 as bigint) * care_days + month_days)
            // (2 * month_days)
        ) as fee_cents
    from dated
    group by
        agreement_id,
        cast(date_trunc('quarter', care_month) as date),
        cast(date_trunc('quarter', care_month) + interval 3 month as date),
        person_id,
        cared_person_id,
        fee_class_code,
        fee_month_eur,
        leave_month_days,
        leave_taken_days,
        valid_from_date,
        end_date
),

-- Full months of care since the agreement began, to the end of the quarter or of what is known.
earned as (
    select
        *,
        least(end_date, next_quarter_date) as until_date,
        greatest(
            0,
            (year(least(end_date, next_quarter_date)) - year(valid_from_date)) * 12
            + month(least(end_date, next_quarter_date)) - month(valid_from_date)
            - case
                when day(least(end_date, next_quarter_date)) < day(valid_from_date) then 1 else 0
            end
        ) as care_months
    from quarterly
),

-- The newest MAPLe of the person cared for within the quarter, or before it and still in force.
assessed as (
    select
        earned.agreement_id,
        earned.quarter_start_date,
        assessment.score as maple_score
    from earned
    inner join core.need_assessment as assessment
        on earned.cared_person_id = assessment.person_id
    where
        assessment.scale_code = 'MAPLe'
        and assessment.assessed_date < earned.until_date
        and coalesce(assessment.valid_to_date, date '9999-12-31') > earned.quarter_start_date
    qualify row_number() over (
        partition by earned.agreement_id, earned.quarter_start_date
        order by assessment.assessed_date desc, assessment.assessment_id desc
    ) = 1
),

joined as (
    select
        earned.*,
        age_years(carer.birth_date, earned.quarter_start_date) as age_years,
        age_years(cared.birth_date, earned.quarter_start_date) as cared_age_years,
        assessed.maple_score as cared_maple_score,
        coalesce(own.package_count, 0) as package_count,
        coalesce(own.cost_eur, cast(0 as decimal(18, 2))) as cost_eur,
        coalesce(theirs.package_count, 0) as cared_package_count,
        coalesce(theirs.cost_eur, cast(0 as decimal(18, 2))) as cared_cost_eur,
        cast(
            cast(earned.fee_cents as decimal(18, 2)) * cast(0.01 as decimal(18, 2))
            as decimal(18, 2)
        ) as fee_eur,
        cast(earned.leave_month_days * earned.care_months as integer) as leave_earned_days,
        -- How much was taken is known as of the newest version alone.
        case
            when earned.until_date = earned.end_date
                then
                    cast(
                        earned.leave_month_days * earned.care_months - earned.leave_taken_days
                        as integer
                    )
        end as leave_left_days
    from earned
    left join core.person as carer on earned.person_id = carer.person_id
    left join core.person as cared on earned.cared_person_id = cared.person_id
    left join assessed
        on
            earned.agreement_id = assessed.agreement_id
            and earned.quarter_start_date = assessed.quarter_start_date
    left join core.client_quarter as own
        on
            earned.person_id = own.person_id
            and earned.quarter_start_date = own.quarter_start_date
    left join core.client_quarter as theirs
        on
            earned.cared_person_id = theirs.person_id
            and earned.quarter_start_date = theirs.quarter_start_date
),

limits as (
    select
        arg_max(rule.old_age_years, rule.valid_from_date) as old_age_years,
        arg_max(rule.high_maple, rule.valid_from_date) as high_maple,
        arg_max(rule.untaken_days, rule.valid_from_date) as untaken_days,
        arg_max(rule.own_package_count, rule.valid_from_date) as own_package_count,
        arg_max(rule.heavy_from_count, rule.valid_from_date) as heavy_from_count
    from rulebook.carer_load as rule
    cross join covered
    where rule.valid_from_date <= covered.last_date
),

final as (
    select
        joined.*,
        limits.heavy_from_count,
        cast(
            case when joined.age_years >= limits.old_age_years then 1 else 0 end
            + case when joined.cared_maple_score >= limits.high_maple then 1 else 0 end
            + case when joined.leave_left_days >= limits.untaken_days then 1 else 0 end
            + case when joined.package_count >= limits.own_package_count then 1 else 0 end
            as integer
        ) as sign_count
    from joined
    cross join limits
)

select
    agreement_id,
    quarter_start_date,
    person_id,
    cared_person_id,
    fee_class_code,
    fee_month_eur,
    cast(care_days as integer) as care_days,
    fee_eur,
    leave_earned_days,
    leave_left_days,
    age_years,
    cared_age_years,
    cared_maple_score,
    package_count,
    cost_eur,
    cared_package_count,
    cared_cost_eur,
    sign_count,
    sign_count >= heavy_from_count as is_heavy
from final
