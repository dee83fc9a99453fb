-- Closed months for which the rulebook now says other than was settled: a version put in since, or
-- fixed amounts, regional factors or steps of list size put right. A calibrated tariff that was
-- reckoned anew is none.
with
amount_now as (
    select
        in_force.list_month,
        in_force.version_date,
        tariff.age_from,
        tariff.age_to,
        tariff.sex_code,
        case when scheme.base_code = 'fixed' then tariff.base_eur end as base_eur
    from settle.in_force as in_force
    inner join rulebook.capitation_scheme as scheme
        on
            in_force.rulebook_id = scheme.rulebook_id
            and in_force.version_date = scheme.valid_from_date
    inner join mart.capitation_tariff as tariff
        on
            in_force.rulebook_id = tariff.rulebook_id
            and in_force.version_date = tariff.version_date
),

amount_then as (
    select
        tariff.list_month,
        tariff.version_date,
        tariff.age_from,
        tariff.age_to,
        tariff.sex_code,
        case when scheme.base_code = 'fixed' then tariff.base_eur end as base_eur
    from settle.tariff as tariff
    inner join settle.in_force as in_force on tariff.list_month = in_force.list_month
    inner join rulebook.capitation_scheme as scheme
        on
            in_force.rulebook_id = scheme.rulebook_id
            and in_force.version_date = scheme.valid_from_date
),

factor_now as (
    select
        in_force.list_month,
        regional.municipality_code,
        regional.factor
    from settle.in_force as in_force
    inner join rulebook.capitation_regional_factor as regional
        on
            in_force.rulebook_id = regional.rulebook_id
            and in_force.version_date = regional.valid_from_date
),

factor_then as (
    select
        list_month,
        municipality_code,
        factor
    from settle.regional_factor
    where list_month < $list_month
),

step_now as (
    select
        in_force.list_month,
        step.list_from_count,
        step.amount_eur
    from settle.in_force as in_force
    inner join rulebook.capitation_breakpoint as step
        on
            in_force.rulebook_id = step.rulebook_id
            and in_force.version_date = step.valid_from_date
    where step.amount_eur <> 0
),

step_then as (
    select
        list_month,
        list_from_count,
        amount_eur
    from settle.breakpoint
    where list_month < $list_month and amount_eur <> 0
),

amount_difference as (
    (
        select * from amount_now
        except
        select * from amount_then
    )
    union all
    (
        select * from amount_then
        except
        select * from amount_now
    )
),

factor_difference as (
    (
        select * from factor_now
        except
        select * from factor_then
    )
    union all
    (
        select * from factor_then
        except
        select * from factor_now
    )
),

step_difference as (
    (
        select * from step_now
        except
        select * from step_then
    )
    union all
    (
        select * from step_then
        except
        select * from step_now
    )
),

final as (
    select list_month
    from amount_difference
    union
    select list_month
    from factor_difference
    union
    select list_month
    from step_difference
)

select
    in_force.list_month,
    in_force.rulebook_id,
    in_force.version_date
from settle.in_force as in_force
inner join final on in_force.list_month = final.list_month
