-- Need and correction factors of each list, with the figures that the correction rests on.
with
need as (
    select
        provider_id,
        need_factor
    from mart.capitation_need_factor
    where
        rulebook_id = $rulebook_id
        and version_date = $version_date
        and settlement_month = $list_month
),

correction as (
    select
        group_id as provider_id,
        factor,
        observed_eur,
        expected_eur,
        credibility_weight,
        raw_factor,
        share_without_contact,
        window_from_date,
        window_to_date
    from mart.capitation_correction_factor
    where rulebook_id = $rulebook_id and version_date = $version_date
)

select
    $list_month as list_month,
    coalesce(need.provider_id, correction.provider_id) as provider_id,
    cast(coalesce(need.need_factor, 1.0) as decimal(18, 8)) as need_factor,
    cast(coalesce(correction.factor, 1.0) as decimal(18, 8)) as correction_factor,
    correction.provider_id is null as is_new,
    cast(correction.observed_eur as decimal(18, 2)) as observed_eur,
    cast(correction.expected_eur as decimal(18, 2)) as expected_eur,
    cast(correction.credibility_weight as decimal(18, 8)) as credibility_weight,
    cast(correction.raw_factor as decimal(18, 8)) as raw_factor,
    cast(correction.share_without_contact as decimal(18, 8)) as share_without_contact,
    correction.window_from_date,
    correction.window_to_date
from need
full join correction on need.provider_id = correction.provider_id
