-- Steps of list size in closed months: the days beyond each as the list is now less as it was, and
-- steps that were put right. With its lines, what the steps of the corrected list are worth.
with
change as (
    select
        corrected_month as list_month,
        provider_id,
        is_shadow,
        reason_code,
        cast(sum(person_days) as bigint) as person_days
    from settle.adjustment
    where line_kind_code = 'capitation'
    group by corrected_month, provider_id, is_shadow, reason_code
    having sum(person_days) <> 0
),

settled as (
    select
        list_month,
        provider_id,
        is_shadow,
        cast(sum(person_days) as bigint) as person_days
    from settle.settled_entry
    where line_kind_code in ('capitation', 'unseen')
    group by list_month, provider_id, is_shadow
),

following as (
    select
        change.*,
        coalesce(settled.person_days, 0)
        + cast(
            sum(change.person_days) over (
                partition by change.list_month, change.provider_id, change.is_shadow
                order by change.reason_code
            ) as bigint
        ) as days_after
    from change
    left join settled
        on
            change.list_month = settled.list_month
            and change.provider_id = settled.provider_id
            and change.is_shadow = settled.is_shadow
),

of_days as (
    select
        following.list_month,
        following.provider_id,
        following.is_shadow,
        following.reason_code,
        step.amount_eur as rate_eur,
        month.year_days,
        greatest(
            following.days_after - step.list_from_count * day(last_day(following.list_month)), 0
        ) as beyond_after,
        greatest(
            following.days_after
            - following.person_days
            - step.list_from_count * day(last_day(following.list_month)),
            0
        ) as beyond_before
    from following
    inner join settle.month as month on following.list_month = month.list_month
    inner join settle.breakpoint as step on following.list_month = step.list_month
),

standing as (
    select
        list_month,
        provider_id,
        is_shadow,
        cast(sum(person_days) as bigint) as person_days
    from (
        select
            list_month,
            provider_id,
            is_shadow,
            person_days
        from settled
        union all
        select
            list_month,
            provider_id,
            is_shadow,
            person_days
        from change
    ) as counted
    group by list_month, provider_id, is_shadow
),

of_steps as (
    select
        standing.list_month,
        standing.provider_id,
        standing.is_shadow,
        month.year_days,
        new_step.amount_eur as rate_eur,
        coalesce(step.amount_eur, 0) as rate_before_eur,
        greatest(
            standing.person_days
            - new_step.list_from_count * day(last_day(standing.list_month)),
            0
        ) as person_days
    from standing
    inner join settle.month as month on standing.list_month = month.list_month
    inner join settle.new_breakpoint as new_step on standing.list_month = new_step.list_month
    left join settle.breakpoint as step
        on
            new_step.list_month = step.list_month
            and new_step.list_from_count = step.list_from_count
),

final as (
    select
        list_month,
        provider_id,
        is_shadow,
        reason_code,
        beyond_after - beyond_before as person_days,
        rate_eur,
        euros(rate_eur, beyond_after, year_days)
        - euros(rate_eur, beyond_before, year_days) as amount_eur
    from of_days
    union all
    select
        list_month,
        provider_id,
        is_shadow,
        'tariff_correction' as reason_code,
        cast(0 as bigint) as person_days,
        rate_eur,
        euros(rate_eur, person_days, year_days)
        - euros(rate_before_eur, person_days, year_days) as amount_eur
    from of_steps
)

select
    list_month as corrected_month,
    'breakpoint' as line_kind_code,
    provider_id,
    is_shadow,
    reason_code,
    person_days,
    cast(0 as bigint) as act_count,
    cast(rate_eur as decimal(18, 8)) as rate_eur,
    cast(amount_eur as decimal(18, 2)) as amount_eur
from final
where person_days <> 0 or amount_eur <> 0
