-- Every provider with days on its list, acts, or changes to what was settled; and those of closed
-- months whose tariff, fees or share were put right, for who has left since has to be paid too.
with
named as (
    select provider_id
    from settle.listed
    where status_code = 'paid'
    union
    select provider_id
    from settle.act
    union
    select provider_id
    from settle.change
    union
    select provider_id
    from settle.act_change
    union
    select provider_id
    from settle.settled_cell
    where list_month in (select new_tariff.list_month from settle.new_tariff as new_tariff)
    union
    select provider_id
    from settle.settled_sum
    where
        list_month in (select new_fee.list_month from settle.new_act_fee as new_fee)
        or list_month in (select new_share.list_month from settle.new_incentive as new_share)
)

select
    named.provider_id,
    provider.provider_name,
    coalesce(provider.is_shadow, false) as is_shadow,
    provider.facilitator_provider_id
from named
left join settle.provider as provider on named.provider_id = provider.provider_id
where named.provider_id is not null
