-- grain: One row per provider, scheme, period and indicator of the scheme.
-- key: [provider_id, scheme_id, period_start_date, indicator_id]
-- purpose: knowledge management
-- may_be_empty: deliveries may all be of the time before the first period
with
version as (
    select
        scheme_id,
        service_code,
        neutral_score,
        bonus_share,
        sanction_share,
        minimum_weight,
        is_budget_neutral,
        valid_from_date as version_date,
        lead(valid_from_date, 1, date '9999-12-31') over (
            partition by service_code order by valid_from_date
        ) as next_version_date
    from rulebook.incentive_scheme
),

scaled as (
    select
        indicator_id,
        floor_value,
        target_value,
        valid_from_date,
        lead(valid_from_date, 1, date '9999-12-31') over (
            partition by indicator_id order by valid_from_date
        ) as next_from_date
    from rulebook.indicator_scale
),

-- The newest period before in which the indicator was measured.
remembered as (
    select
        *,
        max(case when state_code = 'measured' then period_start_date end) over (
            partition by provider_id, service_code, indicator_id
            order by period_start_date
            rows between unbounded preceding and 1 preceding
        ) as last_measured_date
    from mart.indicator_value
),

placed as (
    select distinct
        version.scheme_id,
        version.service_code,
        version.version_date,
        remembered.provider_id,
        remembered.period_start_date
    from remembered
    inner join version
        on
            remembered.service_code = version.service_code
            and remembered.period_start_date >= version.version_date
            and remembered.period_start_date < version.next_version_date
),

weighed as (
    select
        placed.provider_id,
        placed.scheme_id,
        placed.service_code,
        placed.version_date,
        placed.period_start_date,
        remembered.indicator_id,
        weight.weight,
        remembered.value,
        remembered.state_code,
        remembered.reporter_code,
        remembered.is_to_date,
        scaled.floor_value,
        scaled.target_value,
        case
            when remembered.state_code in ('overdue', 'unreliable') then earlier.value
        end as last_value
    from placed
    inner join rulebook.incentive_weight as weight
        on placed.scheme_id = weight.scheme_id and placed.version_date = weight.valid_from_date
    -- Every indicator of a scheme is of its service, so that each has its row.
    inner join remembered
        on
            placed.provider_id = remembered.provider_id
            and placed.service_code = remembered.service_code
            and placed.period_start_date = remembered.period_start_date
            and weight.indicator_id = remembered.indicator_id
    left join mart.indicator_value as earlier
        on
            remembered.provider_id = earlier.provider_id
            and remembered.service_code = earlier.service_code
            and remembered.indicator_id = earlier.indicator_id
            and remembered.last_measured_date = earlier.period_start_date
    left join scaled
        on
            remembered.indicator_id = scaled.indicator_id
            and placed.period_start_date >= scaled.valid_from_date
            and placed.period_start_date < scaled.next_from_date
),

-- The value that counts. Of what the provider itself owes, or declares unfit, the floor: neither
-- may bring it more than the figure would.
chosen as (
    select
        *,
        case
            when state_code = 'measured' then value
            when state_code in ('overdue', 'unreliable')
                then case when reporter_code = 'provider' then floor_value else last_value end
        end as counted_value
    from weighed
),

-- From the floor (0) to the target (1), whichever is greater, in whole numbers.
measured as (
    select
        *,
        cast(
            case when target_value > floor_value then 1 else -1 end
            * (counted_value - floor_value) * 10000 as hugeint
        ) as above_floor,
        cast(abs(target_value - floor_value) * 10000 as hugeint) as room
    from chosen
),

parted as (
    select
        *,
        (2 * least(greatest(above_floor, 0), room) * 100000000 + room) // (2 * room)
            as part_units,
        case
            when above_floor is not null and weight > 0
                then cast(weight * 100000000 as hugeint)
        end as weight_units
    from measured
),

totalled as (
    select
        *,
        sum(weight_units) over provider_period as all_weight_units,
        sum(weight_units * part_units) over provider_period as all_part_units,
        bool_or(is_to_date) over provider_period as is_early_warning
    from parted
    window provider_period as (partition by provider_id, scheme_id, period_start_date)
),

scored as (
    select
        totalled.*,
        version.neutral_score,
        version.bonus_share,
        version.sanction_share,
        version.is_budget_neutral,
        cast(
            cast(coalesce(totalled.all_weight_units, 0) as decimal(18, 0))
            * 0.00000001 as decimal(18, 8)
        ) as measured_weight,
        coalesce(
            totalled.all_weight_units > 0
            and totalled.all_weight_units >= cast(version.minimum_weight * 100000000 as hugeint),
            false
        ) as has_score
    from totalled
    inner join version
        on
            totalled.scheme_id = version.scheme_id
            and totalled.version_date = version.version_date
),

final as (
    select
        provider_id,
        scheme_id,
        service_code,
        version_date,
        period_start_date,
        indicator_id,
        state_code,
        is_early_warning,
        value,
        floor_value,
        target_value,
        weight,
        case
            when weight_units is not null
                then
                    cast(
                        cast(part_units as decimal(18, 0)) * 0.00000001 as decimal(18, 8)
                    )
        end as counted_part,
        case
            when has_score and weight_units is not null
                then
                    cast(
                        cast(
                            (2 * weight_units * 100000000 + all_weight_units)
                            // (2 * all_weight_units) as decimal(18, 0)
                        )
                        * 0.00000001 as decimal(18, 8)
                    )
        end as effective_weight,
        case
            when has_score and weight_units is not null
                then
                    cast(
                        cast(
                            (2 * weight_units * part_units + all_weight_units)
                            // (2 * all_weight_units) as decimal(18, 0)
                        )
                        * 0.00000001 as decimal(18, 8)
                    )
        end as score_contribution,
        measured_weight,
        case
            when has_score
                then
                    cast(
                        cast(
                            (2 * all_part_units + all_weight_units) // (2 * all_weight_units)
                            as decimal(18, 0)
                        )
                        * 0.00000001 as decimal(18, 8)
                    )
        end as score,
        neutral_score,
        bonus_share,
        sanction_share,
        is_budget_neutral
    from scored
)

select
    provider_id,
    scheme_id,
    service_code,
    version_date,
    period_start_date,
    indicator_id,
    state_code,
    is_early_warning,
    value,
    floor_value,
    target_value,
    weight,
    counted_part,
    effective_weight,
    score_contribution,
    measured_weight,
    score,
    neutral_score,
    bonus_share,
    sanction_share,
    is_budget_neutral
from final
