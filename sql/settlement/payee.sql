-- Every provider with days on its list, acts, or changes to what was settled.
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
)

select
    named.provider_id,
    provider.provider_name,
    coalesce(provider.is_shadow, false) as is_shadow,
    provider.facilitator_provider_id
from named
left join settle.provider as provider on named.provider_id = provider.provider_id
where named.provider_id is not null
