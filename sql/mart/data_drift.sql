-- grain: One row per delivery in force and column with a profile.
-- key: [source, table_name, delivery_sequence, column_name]
-- purpose: knowledge management
-- may_be_empty: no delivery may have been profiled
with
delivery as (
    select
        source,
        table_name,
        delivery_sequence,
        covers_to_date,
        cast(date_trunc('month', covers_to_date) as date) as covers_month
    from effective.delivery
),

-- The reference of a delivery's column: what covers the twelve months before its own and holds the
-- column at all; a contract that brings a new column does not make it drift.
reference as (
    select
        later.source,
        later.table_name,
        later.delivery_sequence,
        profile.column_name,
        profile.delivery_sequence as reference_sequence
    from delivery as later
    inner join delivery as earlier
        on
            later.source = earlier.source
            and later.table_name = earlier.table_name
            and later.covers_month > earlier.covers_month
            and later.covers_month - interval 1 year <= earlier.covers_month
    inner join ops.column_profile as profile
        on
            earlier.source = profile.source
            and earlier.table_name = profile.table_name
            and earlier.delivery_sequence = profile.delivery_sequence
    where profile.missing_count is null or profile.missing_count < profile.row_count
),

reference_size as (
    select
        source,
        table_name,
        delivery_sequence,
        column_name,
        count(reference_sequence) as reference_delivery_count
    from reference
    group by source, table_name, delivery_sequence, column_name
),

own as (
    select
        bucket.source,
        bucket.table_name,
        bucket.delivery_sequence,
        bucket.column_name,
        coalesce(bucket.bucket_number, -1000000) as bucket_number,
        bucket.row_count as own_count,
        0 as reference_count
    from ops.column_bucket as bucket
    inner join delivery
        on
            bucket.source = delivery.source
            and bucket.table_name = delivery.table_name
            and bucket.delivery_sequence = delivery.delivery_sequence
),

before as (
    select
        reference.source,
        reference.table_name,
        reference.delivery_sequence,
        reference.column_name,
        coalesce(bucket.bucket_number, -1000000) as bucket_number,
        0 as own_count,
        bucket.row_count as reference_count
    from reference
    inner join ops.column_bucket as bucket
        on
            reference.source = bucket.source
            and reference.table_name = bucket.table_name
            and reference.reference_sequence = bucket.delivery_sequence
            and reference.column_name = bucket.column_name
),

either as (
    select
        source,
        table_name,
        delivery_sequence,
        column_name,
        bucket_number,
        own_count,
        reference_count
    from own
    union all
    select
        source,
        table_name,
        delivery_sequence,
        column_name,
        bucket_number,
        own_count,
        reference_count
    from before
),

bucket as (
    select
        source,
        table_name,
        delivery_sequence,
        column_name,
        bucket_number,
        sum(own_count) as own_count,
        sum(reference_count) as reference_count
    from either
    group by source, table_name, delivery_sequence, column_name, bucket_number
),

total as (
    select
        source,
        table_name,
        delivery_sequence,
        column_name,
        count(*) as bucket_count,
        cast(sum(own_count) as double) as own_total,
        cast(sum(reference_count) as double) as reference_total
    from bucket
    group by source, table_name, delivery_sequence, column_name
),

-- Half a row in every bucket, so that an empty one weighs little and not without bound.
share as (
    select
        bucket.source,
        bucket.table_name,
        bucket.delivery_sequence,
        bucket.column_name,
        (cast(bucket.own_count as double) + 0.5)
        / (total.own_total + 0.5 * total.bucket_count) as own_share,
        (cast(bucket.reference_count as double) + 0.5)
        / (total.reference_total + 0.5 * total.bucket_count) as reference_share
    from bucket
    inner join total
        on
            bucket.source = total.source
            and bucket.table_name = total.table_name
            and bucket.delivery_sequence = total.delivery_sequence
            and bucket.column_name = total.column_name
),

-- Terms are rounded before they are added, so that the sum does not depend on their order.
stability as (
    select
        source,
        table_name,
        delivery_sequence,
        column_name,
        cast(
            sum(
                cast(
                    (own_share - reference_share) * ln(own_share / reference_share) as decimal(
                        18, 9
                    )
                )
            ) as double
        ) as psi
    from share
    group by source, table_name, delivery_sequence, column_name
),

-- Without any change, PSI is about chi-squared times (1/n + 1/m) (Yurdakul 2018): what chance
-- brings once in a thousand columns, by the approximation of Wilson and Hilferty (1931).
judged as (
    select
        total.source,
        total.table_name,
        total.delivery_sequence,
        total.column_name,
        total.reference_total,
        case when total.reference_total > 0 and total.own_total > 0 then stability.psi end as psi,
        case
            when total.reference_total > 0 and total.own_total > 0 and total.bucket_count > 1
                then
                    (1 / total.own_total + 1 / total.reference_total) * (total.bucket_count - 1)
                    * power(
                        1 - 2.0 / (9 * (total.bucket_count - 1))
                        + 3.0902 * sqrt(2.0 / (9 * (total.bucket_count - 1))),
                        3
                    )
        end as psi_by_chance
    from total
    inner join stability
        on
            total.source = stability.source
            and total.table_name = stability.table_name
            and total.delivery_sequence = stability.delivery_sequence
            and total.column_name = stability.column_name
),

final as (
    select
        profile.source,
        profile.table_name,
        profile.delivery_sequence,
        profile.column_name,
        delivery.covers_month,
        profile.row_count,
        profile.missing_count,
        round(
            100 * cast(profile.missing_count as double) / nullif(profile.row_count, 0), 4
        ) as missing_pct,
        profile.distinct_count,
        round(profile.mean_value, 6) as mean_value,
        profile.q1_value,
        profile.q2_value,
        profile.q3_value,
        coalesce(reference_size.reference_delivery_count, 0) as reference_delivery_count,
        case
            -- Two months tell too little of what is usual.
            when coalesce(reference_size.reference_delivery_count, 0) < 3 then null
            -- Neither what is given nor what is missing is of enough persons to be told of.
            when profile.distinct_count is not null or profile.missing_count is not null
                then round(judged.psi, 6)
        end as psi,
        round(judged.psi_by_chance, 6) as psi_by_chance,
        -- 0.2 is where PSI is commonly read as a shift that asks for action.
        coalesce(
            judged.psi > 0.2
            and judged.psi > judged.psi_by_chance
            and reference_size.reference_delivery_count >= 3
            and (profile.distinct_count is not null or profile.missing_count is not null),
            false
        ) as is_drifted
    from ops.column_profile as profile
    inner join delivery
        on
            profile.source = delivery.source
            and profile.table_name = delivery.table_name
            and profile.delivery_sequence = delivery.delivery_sequence
    left join judged
        on
            profile.source = judged.source
            and profile.table_name = judged.table_name
            and profile.delivery_sequence = judged.delivery_sequence
            and profile.column_name = judged.column_name
    left join reference_size
        on
            profile.source = reference_size.source
            and profile.table_name = reference_size.table_name
            and profile.delivery_sequence = reference_size.delivery_sequence
            and profile.column_name = reference_size.column_name
)

select
    source,
    table_name,
    delivery_sequence,
    column_name,
    covers_month,
    row_count,
    missing_count,
    missing_pct,
    distinct_count,
    mean_value,
    q1_value,
    q2_value,
    q3_value,
    reference_delivery_count,
    psi,
    psi_by_chance,
    is_drifted
from final
