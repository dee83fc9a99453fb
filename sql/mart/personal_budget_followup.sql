-- grain: One row per budget in force at the end of the last month that is delivered.
-- key: [budget_decision_id]
-- purpose: client work
-- may_be_empty: no budget may be in force
with
newest as (
    select
        max(budget_month) as budget_month,
        last_day(max(budget_month)) as as_of_date
    from mart.personal_budget_ledger
),

-- The newest entry of the rulebook by the end of the month.
rule as (
    select
        newest.as_of_date,
        arg_max(rulebook.least_months, rulebook.valid_from_date) as least_months,
        arg_max(rulebook.forecast_z, rulebook.valid_from_date) as forecast_z,
        arg_max(rulebook.not_using_share, rulebook.valid_from_date) as not_using_share
    from newest
    inner join rulebook.personal_budget_followup as rulebook
        on newest.as_of_date >= rulebook.valid_from_date
    group by newest.as_of_date
),

decision as (
    select
        decision.budget_decision_id,
        decision.person_id,
        decision.valid_from_date,
        decision.valid_to_date,
        newest.as_of_date,
        newest.budget_month
    from core.budget_decision as decision
    cross join newest
    where
        decision.known_to_seq is null
        and decision.valid_from_date <= newest.as_of_date
        and decision.valid_to_date > newest.as_of_date
),

departed as (
    select
        decision.budget_decision_id,
        min(departure.left_date) as left_date
    from decision
    inner join core.area_departure as departure
        on
            decision.person_id = departure.person_id
            and decision.valid_from_date < departure.left_date
    group by decision.budget_decision_id
),

-- Nothing accrues from the day after death, or from the day of leaving the area.
accrued as (
    select
        decision.*,
        least(
            decision.valid_to_date,
            coalesce(departed.left_date, date '9999-12-31'),
            greatest(
                coalesce(person.death_date + 1, date '9999-12-31'), decision.valid_from_date
            )
        ) as accrues_to_date
    from decision
    left join departed on decision.budget_decision_id = departed.budget_decision_id
    left join core.person as person on decision.person_id = person.person_id
),

spanned as (
    select
        *,
        date_diff('day', valid_from_date, valid_to_date) as whole_days,
        date_diff('day', valid_from_date, least(as_of_date + 1, accrues_to_date))
            as elapsed_days,
        greatest(date_diff('day', as_of_date + 1, accrues_to_date), 0) as days_left
    from accrued
),

used as (
    select
        budget_decision_id,
        person_id,
        service_code,
        budget_month,
        cast(
            (paid_eur - returned_eur)
            - lag(paid_eur - returned_eur, 1, cast(0 as decimal(18, 2))) over (
                partition by person_id, service_code, budget_decision_id
                order by budget_month
            ) as decimal(18, 2)
        ) as used_eur
    from mart.personal_budget_ledger
    where budget_decision_id is not null
),

-- How much use differs from month to month, in whole cents.
varied as (
    select
        budget_decision_id,
        person_id,
        service_code,
        cast(count(*) as bigint) as month_count,
        cast(sum(cast(used_eur * 100 as bigint)) as bigint) as sum_cents,
        cast(
            sum(cast(used_eur * 100 as bigint) * cast(used_eur * 100 as bigint)) as bigint
        ) as square_cents
    from used
    group by budget_decision_id, person_id, service_code
),

joined as (
    select
        spanned.*,
        rule.least_months,
        rule.forecast_z,
        rule.not_using_share,
        ledger.budget_group_code,
        ledger.service_code,
        ledger.granted_eur,
        ledger.reserved_eur,
        cast(ledger.paid_eur - ledger.returned_eur as decimal(18, 2)) as used_eur,
        ledger.remaining_eur,
        varied.month_count,
        varied.sum_cents,
        varied.square_cents
    from spanned
    cross join rule
    inner join mart.personal_budget_ledger as ledger
        on
            spanned.budget_decision_id = ledger.budget_decision_id
            and spanned.person_id = ledger.person_id
            and spanned.budget_month = ledger.budget_month
    inner join varied
        on
            ledger.budget_decision_id = varied.budget_decision_id
            and ledger.person_id = varied.person_id
            and ledger.service_code = varied.service_code
    -- A decision that was mended holds its grant on one account alone.
    qualify row_number() over (
        partition by spanned.budget_decision_id
        order by ledger.granted_eur desc, ledger.service_code asc
    ) = 1
),

-- The present pace to the end of the budget, half up to a cent, and how far it may be wrong.
paced as (
    select
        *,
        (2 * cast(granted_eur * 100 as bigint) * elapsed_days + whole_days)
        // (2 * whole_days) as planned_cents,
        case
            when month_count >= least_months and elapsed_days > 0
                then
                    (
                        2 * cast(greatest(used_eur, 0) * 100 as bigint)
                        * (elapsed_days + days_left) + elapsed_days
                    )
                    // (2 * elapsed_days)
        end as forecast_cents,
        cast(days_left as double) / 30.4375e0 as months_left,
        greatest(
            cast(month_count * square_cents - sum_cents * sum_cents as double)
            / nullif(cast(month_count * (month_count - 1) as double), 0),
            0
        ) as variance
    from joined
),

framed as (
    select
        *,
        cast(
            round(
                cast(forecast_z as double)
                * sqrt(
                    coalesce(variance, 0) * months_left
                    * (1 + months_left / cast(month_count as double))
                )
            ) as bigint
        ) as margin_cents
    from paced
),

priced as (
    select
        *,
        cast(
            cast(planned_cents as decimal(18, 2)) * cast(0.01 as decimal(18, 2))
            as decimal(18, 2)
        ) as planned_eur,
        cast(
            cast(forecast_cents as decimal(18, 2)) * cast(0.01 as decimal(18, 2))
            as decimal(18, 2)
        ) as forecast_eur,
        case
            when forecast_cents is not null
                then
                    cast(
                        cast(
                            greatest(
                                forecast_cents - margin_cents,
                                least(cast(used_eur * 100 as bigint), forecast_cents)
                            ) as decimal(18, 2)
                        )
                        * cast(0.01 as decimal(18, 2)) as decimal(18, 2)
                    )
        end as forecast_low_eur,
        cast(
            cast(forecast_cents + margin_cents as decimal(18, 2))
            * cast(0.01 as decimal(18, 2)) as decimal(18, 2)
        ) as forecast_high_eur
    from framed
),

final as (
    select
        person_id,
        budget_group_code,
        service_code,
        budget_decision_id,
        as_of_date,
        valid_to_date,
        granted_eur,
        planned_eur,
        used_eur,
        reserved_eur,
        remaining_eur,
        forecast_eur,
        forecast_low_eur,
        forecast_high_eur,
        case
            when days_left = 0 and accrues_to_date < valid_to_date then 'client_gone'
            when forecast_eur is null then 'too_early'
            when forecast_low_eur > granted_eur then 'runs_out'
            when forecast_eur > granted_eur then 'may_run_out'
            when
                forecast_high_eur
                < cast(not_using_share as decimal(38, 4)) * granted_eur
                then 'not_using'
            else 'on_plan'
        end as outlook_code
    from priced
)

select
    person_id,
    budget_group_code,
    service_code,
    budget_decision_id,
    as_of_date,
    valid_to_date,
    granted_eur,
    planned_eur,
    used_eur,
    reserved_eur,
    remaining_eur,
    forecast_eur,
    forecast_low_eur,
    forecast_high_eur,
    outlook_code
from final
