-- grain: One row per client, client group and day from which a budget may be proposed.
-- key: [person_id, budget_group_code, proposed_from_date]
-- may_be_empty: nobody may have sought a budget
with
decided as (
    select
        person_id,
        budget_group_code,
        valid_from_date,
        valid_to_date
    from core.budget_decision
    where known_to_seq is null
),

decided_client as (
    select distinct
        person_id,
        budget_group_code
    from decided
),

-- Who has sought guidance without a decision as yet; a control has no budget.
seeking as (
    select
        study_enrolment.person_id,
        study_enrolment.budget_group_code,
        study_enrolment.valid_from_date,
        coalesce(study_enrolment.valid_to_date, date '9999-12-31') as valid_to_date
    from core.study_enrolment as study_enrolment
    anti join decided_client
        on
            study_enrolment.person_id = decided_client.person_id
            and study_enrolment.budget_group_code = decided_client.budget_group_code
    where study_enrolment.cohort_code <> 'control'
),

client as (
    select * from decided
    union all
    select * from seeking
),

-- A new assessment calls for a new proposal, from the first day of the next month.
reassessed as (
    select distinct
        person_id,
        cast(date_trunc('month', assessed_date) + interval 1 month as date) as proposed_from_date
    from core.need_assessment
),

started as (
    select
        person_id,
        budget_group_code,
        valid_from_date as proposed_from_date
    from client
    union
    select
        client.person_id,
        client.budget_group_code,
        reassessed.proposed_from_date
    from client
    inner join reassessed
        on
            client.person_id = reassessed.person_id
            and client.valid_from_date < reassessed.proposed_from_date
            and client.valid_to_date > reassessed.proposed_from_date
),

left_after as (
    select
        started.person_id,
        started.proposed_from_date,
        min(departure.left_date) as left_date
    from started
    inner join core.area_departure as departure
        on
            started.person_id = departure.person_id
            and started.proposed_from_date < departure.left_date
    group by started.person_id, started.proposed_from_date
),

-- To the end of the year, of life with its last day, or of living in the area.
dated as (
    select
        started.person_id,
        started.budget_group_code,
        started.proposed_from_date,
        make_date(year(started.proposed_from_date), 1, 1) as year_start_date,
        make_date(year(started.proposed_from_date) + 1, 1, 1) as year_end_date,
        cast(date_trunc('month', started.proposed_from_date) as date) as start_month,
        least(
            make_date(year(started.proposed_from_date) + 1, 1, 1),
            coalesce(left_after.left_date, date '9999-12-31'),
            coalesce(person.death_date + 1, date '9999-12-31')
        ) as proposed_to_date
    from started
    left join left_after
        on
            started.person_id = left_after.person_id
            and started.proposed_from_date = left_after.proposed_from_date
    left join core.person as person on started.person_id = person.person_id
),

termed as (
    select
        dated.*,
        terms.moderation_share,
        terms.moderation_floor,
        terms.moderation_ceiling,
        terms.least_month_eur,
        terms.most_month_eur,
        terms.least_history_months,
        cast(dated.start_month - to_months(terms.window_months) as date) as window_from_month
    from dated
    inner join core.personal_budget_rule_version as version
        on
            version.rulebook_id = 'terms'
            and dated.proposed_from_date >= version.valid_from_date
            and dated.proposed_from_date < version.valid_to_date
    inner join rulebook.personal_budget_terms as terms
        on
            version.valid_from_date = terms.valid_from_date
            and dated.budget_group_code = terms.budget_group_code
    where dated.proposed_from_date < dated.proposed_to_date
),

lived as (
    select
        termed.person_id,
        termed.budget_group_code,
        termed.proposed_from_date,
        count(*) as history_months
    from termed
    inner join core.person_month as person_month
        on
            termed.person_id = person_month.person_id
            and termed.window_from_month <= person_month.exposure_month
            and termed.start_month > person_month.exposure_month
    group by termed.person_id, termed.budget_group_code, termed.proposed_from_date
),

used as (
    select
        cost.person_id,
        prior_service.budget_group_code,
        cost.cost_month as use_month,
        prior_service.valid_from_date as version_date,
        cost.cost_eur as used_eur
    from core.cost as cost
    inner join rulebook.personal_budget_prior_service as prior_service
        on cost.costed_service_code = prior_service.costed_service_code
    where cost.event_kind_code = 'service_period' and cost.cost_eur is not null
),

-- What was bought with vouchers counts as the service it took the place of.
bought as (
    select
        person_id,
        budget_month as use_month,
        paid_eur - returned_eur as used_eur
    from core.voucher_entry
    where entry_kind_code = 'line'
),

use_before as (
    select
        termed.person_id,
        termed.budget_group_code,
        termed.proposed_from_date,
        used.used_eur
    from termed
    inner join core.personal_budget_rule_version as version
        on
            version.rulebook_id = 'prior_service'
            and termed.proposed_from_date >= version.valid_from_date
            and termed.proposed_from_date < version.valid_to_date
    inner join used
        on
            termed.person_id = used.person_id
            and termed.budget_group_code = used.budget_group_code
            and version.valid_from_date = used.version_date
            and termed.window_from_month <= used.use_month
            and termed.start_month > used.use_month
    union all
    select
        termed.person_id,
        termed.budget_group_code,
        termed.proposed_from_date,
        bought.used_eur
    from termed
    inner join bought
        on
            termed.person_id = bought.person_id
            and termed.window_from_month <= bought.use_month
            and termed.start_month > bought.use_month
),

summed as (
    select
        person_id,
        budget_group_code,
        proposed_from_date,
        cast(sum(used_eur) as decimal(18, 2)) as prior_use_eur
    from use_before
    group by person_id, budget_group_code, proposed_from_date
),

joined as (
    select
        termed.*,
        cast(coalesce(lived.history_months, 0) as integer) as history_months,
        coalesce(summed.prior_use_eur, cast(0 as decimal(18, 2))) as prior_use_eur
    from termed
    left join lived
        on
            termed.person_id = lived.person_id
            and termed.budget_group_code = lived.budget_group_code
            and termed.proposed_from_date = lived.proposed_from_date
    left join summed
        on
            termed.person_id = summed.person_id
            and termed.budget_group_code = summed.budget_group_code
            and termed.proposed_from_date = summed.proposed_from_date
),

final as (
    select
        person_id,
        budget_group_code,
        proposed_from_date,
        proposed_to_date,
        cast(date_diff('day', proposed_from_date, proposed_to_date) as integer) as budget_days,
        cast(date_diff('day', year_start_date, year_end_date) as integer) as year_days,
        history_months,
        prior_use_eur,
        -- A month's mean, half up; none where there is too little to tell.
        case
            when history_months >= least_history_months and prior_use_eur > 0
                then
                    cast(
                        (2 * cast(prior_use_eur * 100 as bigint) + history_months)
                        // (2 * history_months) as decimal(18, 2)
                    )
                    * cast(0.01 as decimal(18, 2))
        end as prior_month_eur,
        moderation_share,
        moderation_floor,
        moderation_ceiling,
        least_month_eur,
        most_month_eur
    from joined
)

select
    person_id,
    budget_group_code,
    proposed_from_date,
    proposed_to_date,
    budget_days,
    year_days,
    history_months,
    prior_use_eur,
    cast(prior_month_eur as decimal(18, 2)) as prior_month_eur,
    moderation_share,
    moderation_floor,
    moderation_ceiling,
    least_month_eur,
    most_month_eur
from final
