-- Incentive shares of closed months whose share was put right; one that is no more is 0.
with
compared as (
    select
        in_force.list_month,
        coalesce(share_now.incentive_share, 0) as incentive_share,
        coalesce(share_then.incentive_share, 0) as share_then
    from settle.in_force as in_force
    left join rulebook.capitation_incentive as share_now
        on
            in_force.rulebook_id = share_now.rulebook_id
            and in_force.version_date = share_now.valid_from_date
    left join settle.incentive as share_then on in_force.list_month = share_then.list_month
)

select
    list_month,
    cast(incentive_share as decimal(18, 8)) as incentive_share
from compared
where incentive_share <> share_then
