-- grain: One row per client, client group, first day of a proposal, and service in it.
-- key: [person_id, budget_group_code, proposed_from_date, service_code]
-- purpose: client work
-- may_be_empty: nobody may have been assessed
with
-- A proposal opens no ledger: only a decision does (core.budget_decision).
needed as (
    select
        need.person_id,
        need.budget_group_code,
        need.proposed_from_date,
        need.service_code,
        need.class_number,
        need.class_month_eur,
        occasion.proposed_to_date,
        occasion.budget_days,
        occasion.year_days,
        occasion.prior_month_eur,
        occasion.moderation_share,
        occasion.moderation_floor,
        occasion.moderation_ceiling,
        occasion.least_month_eur,
        occasion.most_month_eur,
        cast(sum(need.class_month_eur) over whole as decimal(18, 2)) as need_month_eur,
        cast(
            sum(need.class_month_eur) over (
                partition by need.person_id, need.budget_group_code, need.proposed_from_date
                order by need.service_code
                rows between unbounded preceding and current row
            ) as decimal(18, 2)
        ) as running_month_eur
    from core.personal_budget_need as need
    inner join core.personal_budget_occasion as occasion
        on
            need.person_id = occasion.person_id
            and need.budget_group_code = occasion.budget_group_code
            and need.proposed_from_date = occasion.proposed_from_date
    where need.class_number > 0
    window whole as (
        partition by need.person_id, need.budget_group_code, need.proposed_from_date
    )
),

-- Drawn towards prior use where there is any, and no further than the shares of the need allow.
moderated as (
    select
        *,
        cast(
            case
                when prior_month_eur is null then need_month_eur
                else
                    greatest(
                        least(
                            round(
                                need_month_eur
                                + cast(moderation_share as decimal(38, 4))
                                * (prior_month_eur - need_month_eur),
                                2
                            ),
                            round(
                                cast(moderation_ceiling as decimal(38, 4)) * need_month_eur, 2
                            )
                        ),
                        round(cast(moderation_floor as decimal(38, 4)) * need_month_eur, 2)
                    )
            end as decimal(18, 2)
        ) as moderated_month_eur
    from needed
),

bounded as (
    select
        *,
        least(greatest(moderated_month_eur, least_month_eur), most_month_eur)
            as bounded_month_eur,
        least(greatest(need_month_eur, least_month_eur), most_month_eur)
            as unmoderated_month_eur
    from moderated
),

-- Twelve months by day of the year, half up to a cent, in whole cents.
dated as (
    select
        *,
        (24 * cast(bounded_month_eur * 100 as bigint) * budget_days + year_days)
        // (2 * year_days) as proposal_cents,
        (24 * cast(unmoderated_month_eur * 100 as bigint) * budget_days + year_days)
        // (2 * year_days) as unmoderated_cents,
        cast(need_month_eur * 100 as bigint) as need_cents,
        cast(running_month_eur * 100 as bigint) as running_cents,
        cast((running_month_eur - class_month_eur) * 100 as bigint) as before_cents
    from bounded
),

-- Of each service the step between two running sums, so that services add up to the whole.
final as (
    select
        person_id,
        budget_group_code,
        proposed_from_date,
        proposed_to_date,
        service_code,
        cast(class_number as varchar) as hb_class_code,
        class_month_eur,
        need_month_eur,
        moderated_month_eur,
        bounded_month_eur,
        cast(
            (2 * proposal_cents * running_cents + need_cents) // (2 * need_cents)
            - (2 * proposal_cents * before_cents + need_cents) // (2 * need_cents)
            as decimal(18, 2)
        )
        * cast(0.01 as decimal(18, 2)) as service_eur,
        cast(proposal_cents as decimal(18, 2)) * cast(0.01 as decimal(18, 2)) as proposal_eur,
        cast(unmoderated_cents as decimal(18, 2)) * cast(0.01 as decimal(18, 2))
            as unmoderated_eur
    from dated
)

select
    person_id,
    budget_group_code,
    proposed_from_date,
    proposed_to_date,
    service_code,
    hb_class_code,
    class_month_eur,
    need_month_eur,
    moderated_month_eur,
    bounded_month_eur,
    cast(service_eur as decimal(18, 2)) as service_eur,
    cast(proposal_eur as decimal(18, 2)) as proposal_eur,
    cast(unmoderated_eur as decimal(18, 2)) as unmoderated_eur
from final
