-- grain: One row per decision on a personal budget and span of deliveries that state it so.
-- key: [budget_decision_id, known_from_seq]
-- may_be_empty: the source may not have begun to send
with
version as (
    select
        budgets.budget_decision_id,
        coalesce(person_alias.person_id, budgets.person_id) as person_id,
        budgets.budget_group_code,
        budgets.service_code,
        budgets.hb_class_code,
        budgets.granted_eur,
        budgets.valid_from_date,
        budgets.valid_to_date,
        budgets.decided_date,
        budgets.appeal_end_date,
        budgets.decision_maker_code,
        budgets.budget_state_code,
        budgets.termination_reason_code,
        budgets.updated_at,
        budgets.delivery_sequence
    from effective.budgets as budgets
    left join core.person_alias as person_alias
        on budgets.person_id = person_alias.alias_person_id
),

-- A version older by its own update time than one that came before it never becomes known.
newest_yet as (
    select *
    from version
    qualify updated_at >= max(updated_at) over (
        partition by budget_decision_id
        order by delivery_sequence
        rows between unbounded preceding and current row
    )
),

spanned as (
    select
        *,
        lead(delivery_sequence) over (partition by budget_decision_id order by delivery_sequence)
            as next_sequence
    from newest_yet
),

-- A version that says what the one before it said goes on with it: resending changes nothing.
marked as (
    select
        *,
        lag(next_sequence) over (
            partition by
                budget_decision_id,
                person_id,
                budget_group_code,
                service_code,
                hb_class_code,
                granted_eur,
                valid_from_date,
                valid_to_date,
                decided_date,
                appeal_end_date,
                decision_maker_code,
                budget_state_code,
                termination_reason_code
            order by delivery_sequence
        ) as continues_from_seq
    from spanned
),

numbered as (
    select
        *,
        sum(case when continues_from_seq = delivery_sequence then 0 else 1 end) over (
            partition by budget_decision_id
            order by delivery_sequence
            rows between unbounded preceding and current row
        ) as span_number
    from marked
),

final as (
    select
        budget_decision_id,
        person_id,
        budget_group_code,
        service_code,
        hb_class_code,
        granted_eur,
        valid_from_date,
        valid_to_date,
        decided_date,
        appeal_end_date,
        decision_maker_code,
        budget_state_code,
        termination_reason_code,
        min(delivery_sequence) as known_from_seq,
        case when count(*) = count(next_sequence) then max(next_sequence) end as known_to_seq
    from numbered
    group by
        budget_decision_id,
        person_id,
        budget_group_code,
        service_code,
        hb_class_code,
        granted_eur,
        valid_from_date,
        valid_to_date,
        decided_date,
        appeal_end_date,
        decision_maker_code,
        budget_state_code,
        termination_reason_code,
        span_number
)

select
    budget_decision_id,
    person_id,
    budget_group_code,
    service_code,
    hb_class_code,
    granted_eur,
    valid_from_date,
    valid_to_date,
    decided_date,
    appeal_end_date,
    decision_maker_code,
    budget_state_code,
    termination_reason_code,
    known_from_seq,
    known_to_seq
from final
