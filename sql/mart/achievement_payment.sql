-- grain: One row per provider's service, period and indicator by whose achievement it is paid.
-- key: [provider_id, service_code, indicator_id, period_start_date]
-- purpose: knowledge management
-- may_be_empty: no indicator may be paid by achievement
with
term as (
    select
        indicator_id,
        floor_share,
        target_share,
        point_count,
        point_eur,
        valid_from_date,
        lead(valid_from_date, 1, date '9999-12-31') over (
            partition by indicator_id order by valid_from_date
        ) as next_from_date
    from rulebook.achievement_payment
),

-- In whole numbers: counts in ten-thousandths, shares in hundred-millionths, euros in cents. Who is
-- excluded is in no denominator. What is not measured, or not whole yet, earns nothing.
counted as (
    select
        value.provider_id,
        value.service_code,
        value.indicator_id,
        value.period_start_date,
        value.numerator,
        value.denominator,
        term.floor_share,
        term.target_share,
        term.point_count,
        term.point_eur,
        case when term.target_share > term.floor_share then 1 else -1 end
        * (
            cast(value.numerator * 10000 as hugeint) * 100000000
            - cast(term.floor_share * 100000000 as hugeint)
            * cast(value.denominator * 10000 as hugeint)
        ) as above_floor,
        cast(abs(term.target_share - term.floor_share) * 100000000 as hugeint)
        * cast(value.denominator * 10000 as hugeint) as room,
        cast(term.point_count * 10000 as hugeint) as point_units,
        cast(term.point_eur * 100 as hugeint) as point_cents
    from mart.indicator_value as value
    inner join term
        on
            value.indicator_id = term.indicator_id
            and value.period_start_date >= term.valid_from_date
            and value.period_start_date < term.next_from_date
    where value.state_code = 'measured' and not value.is_to_date
),

bounded as (
    select
        *,
        least(greatest(above_floor, 0), room) as reached
    from counted
),

final as (
    select
        provider_id,
        service_code,
        indicator_id,
        period_start_date,
        numerator,
        denominator,
        floor_share,
        target_share,
        point_count,
        point_eur,
        cast(
            cast((2 * reached * point_units * 10000 + room) // (2 * room) as decimal(18, 0))
            * 0.00000001 as decimal(18, 8)
        ) as earned_point_count,
        -- From exact points, not from those shown.
        cast(
            cast(
                (2 * reached * point_units * point_cents + room * 10000) // (2 * room * 10000)
                as decimal(18, 0)
            )
            * 0.01 as decimal(18, 2)
        ) as achievement_eur
    from bounded
)

select
    provider_id,
    service_code,
    indicator_id,
    period_start_date,
    numerator,
    denominator,
    floor_share,
    target_share,
    point_count,
    point_eur,
    earned_point_count,
    achievement_eur
from final
