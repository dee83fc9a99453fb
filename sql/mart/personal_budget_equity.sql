-- grain: One row per calendar year, trait of clients and its value, over all clients with a budget.
-- key: [calendar_year, trait_code, trait_value]
-- purpose: knowledge management
-- may_be_empty: no budget may have been granted
with
decision as (
    select
        budget_decision_id,
        person_id,
        service_code,
        hb_class_code,
        valid_from_date,
        year(valid_from_date) as calendar_year,
        -- What is granted for a twelfth of a year, in whole cents, half up.
        (
            2 * cast(granted_eur * 100 as bigint) * 365
            + 12 * date_diff('day', valid_from_date, valid_to_date)
        )
        // (24 * date_diff('day', valid_from_date, valid_to_date)) as month_cents
    from core.budget_decision
    where known_to_seq is null
),

-- Like need is the same class of the same service in the same year.
peer as (
    select
        calendar_year,
        service_code,
        hb_class_code,
        sum(month_cents) as sum_cents,
        count(*) as peer_count
    from decision
    group by calendar_year, service_code, hb_class_code
),

client as (
    select
        decision.calendar_year,
        decision.person_id,
        min(decision.valid_from_date) as from_date,
        sum(decision.month_cents) as month_cents,
        sum((2 * peer.sum_cents + peer.peer_count) // (2 * peer.peer_count)) as expected_cents
    from decision
    inner join peer
        on
            decision.calendar_year = peer.calendar_year
            and decision.service_code = peer.service_code
            and decision.hb_class_code = peer.hb_class_code
    group by decision.calendar_year, decision.person_id
),

residence as (
    select
        person_id,
        municipality_code,
        valid_from_date,
        coalesce(valid_to_date, date '9999-12-31') as valid_to_date
    from core.residence
    where known_to_seq is null
),

described as (
    select
        client.*,
        coalesce(residence.municipality_code, 'unknown') as municipality_code,
        coalesce(person.sex_code, 'unknown') as sex_code,
        case
            when person.language_code is null then 'unknown'
            when person.language_code in ('fi', 'sv') then person.language_code
            else 'other'
        end as language_code,
        case
            when person.birth_date is null then 'unknown'
            when age_years(person.birth_date, client.from_date) < 25 then '0-24'
            when age_years(person.birth_date, client.from_date) < 65 then '25-64'
            when age_years(person.birth_date, client.from_date) < 80 then '65-79'
            else '80-'
        end as age_band
    from client
    left join core.person as person on client.person_id = person.person_id
    left join residence
        on
            client.person_id = residence.person_id
            and client.from_date >= residence.valid_from_date
            and client.from_date < residence.valid_to_date
),

by_trait as (
    select
        described.calendar_year,
        trait.trait_code,
        case trait.trait_code
            when 'municipality' then described.municipality_code
            when 'sex' then described.sex_code
            when 'language' then described.language_code
            else described.age_band
        end as trait_value,
        described.month_cents,
        described.expected_cents,
        described.month_cents - described.expected_cents as residual_cents
    from described
    cross join (
        values ('municipality'), ('sex'), ('language'), ('age')
    ) as trait (trait_code)
),

overall as (
    select
        calendar_year,
        sum(month_cents) as sum_cents,
        count(*) as client_count
    from client
    group by calendar_year
),

summed as (
    select
        calendar_year,
        trait_code,
        trait_value,
        cast(count(*) as bigint) as client_count,
        cast(sum(month_cents) as bigint) as month_cents,
        cast(sum(expected_cents) as bigint) as expected_cents,
        cast(sum(residual_cents) as bigint) as residual_cents,
        sum(cast(residual_cents as double) * cast(residual_cents as double)) as squares
    from by_trait
    group by calendar_year, trait_code, trait_value
),

rule as (
    select
        summed.calendar_year,
        arg_max(rulebook.least_clients, rulebook.valid_from_date) as least_clients,
        arg_max(rulebook.equity_z, rulebook.valid_from_date) as equity_z
    from summed
    inner join rulebook.personal_budget_followup as rulebook
        on make_date(summed.calendar_year, 12, 31) >= rulebook.valid_from_date
    group by summed.calendar_year
),

-- Means in euros a month, and the interval of what need leaves unexplained.
meant as (
    select
        summed.calendar_year,
        summed.trait_code,
        summed.trait_value,
        summed.client_count,
        rule.least_clients,
        round(cast(summed.month_cents as double) / summed.client_count / 100, 2) as granted,
        round(
            cast(summed.expected_cents as double) / summed.client_count / 100
            - cast(overall.sum_cents as double) / overall.client_count / 100,
            2
        ) as explained,
        cast(summed.residual_cents as double) / summed.client_count / 100 as unexplained,
        cast(rule.equity_z as double)
        * sqrt(
            greatest(
                summed.squares
                - cast(summed.residual_cents as double)
                * cast(summed.residual_cents as double) / summed.client_count,
                0
            )
            / nullif(summed.client_count * (summed.client_count - 1), 0)
        )
        / 100 as margin
    from summed
    inner join overall on summed.calendar_year = overall.calendar_year
    inner join rule on summed.calendar_year = rule.calendar_year
),

final as (
    select
        calendar_year,
        trait_code,
        trait_value,
        client_count,
        cast(granted as decimal(18, 2)) as granted_month_eur,
        cast(explained as decimal(18, 2)) as explained_month_eur,
        cast(round(unexplained, 2) as decimal(18, 2)) as unexplained_month_eur,
        cast(round(unexplained - margin, 2) as decimal(18, 2)) as unexplained_low_eur,
        cast(round(unexplained + margin, 2) as decimal(18, 2)) as unexplained_high_eur,
        case
            when client_count < least_clients then 'too_few'
            when abs(unexplained) > margin then 'flagged'
            else 'explained_by_need'
        end as equity_state_code
    from meant
)

select
    calendar_year,
    trait_code,
    trait_value,
    client_count,
    granted_month_eur,
    explained_month_eur,
    unexplained_month_eur,
    unexplained_low_eur,
    unexplained_high_eur,
    equity_state_code
from final
