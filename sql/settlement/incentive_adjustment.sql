-- The incentive of closed months after their corrections: its share of what is earned after each
-- less that of what was earned before, so that all together are the share of the corrected sum; and
-- shares put right.
with
change as (
    select
        corrected_month as list_month,
        provider_id,
        is_shadow,
        reason_code,
        sum(amount_eur) as amount_eur
    from settle.adjustment
    group by corrected_month, provider_id, is_shadow, reason_code
),

settled as (
    select
        list_month,
        provider_id,
        is_shadow,
        sum(amount_eur) as amount_eur
    from settle.settled_sum
    where line_kind_code not in ('incentive', 'score')
    group by list_month, provider_id, is_shadow
),

following as (
    select
        change.list_month,
        change.provider_id,
        change.is_shadow,
        change.reason_code,
        change.amount_eur,
        incentive.incentive_share,
        coalesce(settled.amount_eur, 0)
        + sum(change.amount_eur) over (
            partition by change.list_month, change.provider_id, change.is_shadow
            order by change.reason_code
        ) as earned_after
    from change
    inner join settle.incentive as incentive on change.list_month = incentive.list_month
    left join settled
        on
            change.list_month = settled.list_month
            and change.provider_id = settled.provider_id
            and change.is_shadow = settled.is_shadow
),

standing as (
    select
        list_month,
        provider_id,
        is_shadow,
        sum(amount_eur) as amount_eur
    from (
        select
            list_month,
            provider_id,
            is_shadow,
            amount_eur
        from settled
        union all
        select
            list_month,
            provider_id,
            is_shadow,
            amount_eur
        from change
    ) as counted
    group by list_month, provider_id, is_shadow
),

final as (
    select
        list_month,
        provider_id,
        is_shadow,
        reason_code,
        incentive_share,
        share_of(earned_after, incentive_share)
        - share_of(earned_after - amount_eur, incentive_share) as amount_eur
    from following
    union all
    select
        standing.list_month,
        standing.provider_id,
        standing.is_shadow,
        'tariff_correction' as reason_code,
        new_incentive.incentive_share,
        share_of(standing.amount_eur, new_incentive.incentive_share)
        - share_of(standing.amount_eur, coalesce(incentive.incentive_share, 0)) as amount_eur
    from standing
    inner join settle.new_incentive as new_incentive
        on standing.list_month = new_incentive.list_month
    left join settle.incentive as incentive on standing.list_month = incentive.list_month
)

select
    list_month as corrected_month,
    'incentive' as line_kind_code,
    provider_id,
    is_shadow,
    reason_code,
    cast(0 as bigint) as person_days,
    cast(0 as bigint) as act_count,
    cast(incentive_share as decimal(18, 8)) as rate_eur,
    cast(amount_eur as decimal(18, 2)) as amount_eur
from final
where amount_eur <> 0
