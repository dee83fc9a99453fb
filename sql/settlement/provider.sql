-- Every provider of the register: whether it is public, whether its list is paid or a shadow in the
-- month, and under whom it acts.
with
facilitator as (
    select
        business_id,
        max(facilitator_provider_id) as facilitator_provider_id
    from core.voucher_provider
    where known_to_seq is null and facilitator_provider_id is not null
    group by business_id
)

select
    provider.provider_id,
    provider.provider_name,
    provider.sector_code = 'public' as is_public,
    $is_shadow_for_public and provider.sector_code = 'public' as is_shadow,
    facilitator.facilitator_provider_id
from core.provider as provider
left join facilitator on provider.business_id = facilitator.business_id
