-- grain: One row per voucher provider and span of deliveries that state it so.
-- key: [voucher_provider_id, known_from_seq]
-- may_be_empty: the source may not have begun to send
with
-- Beside core.provider, not in it: another system's identifiers, approval by dates, no sites. The
-- business id tells which of them are one firm.
version as (
    select
        voucher_provider_id,
        business_id,
        provider_name,
        sector_code,
        service_codes,
        facilitator_provider_id,
        municipality_code,
        language_codes,
        approved_from_date as valid_from_date,
        approved_to_date as valid_to_date,
        delivery_sequence
    from effective.providers
),

spanned as (
    select
        *,
        lead(delivery_sequence) over (partition by voucher_provider_id order by delivery_sequence)
            as next_sequence
    from version
),

-- A version that says what the one before it said goes on with it: resending changes nothing.
marked as (
    select
        *,
        lag(next_sequence) over (
            partition by
                voucher_provider_id,
                business_id,
                provider_name,
                sector_code,
                service_codes,
                facilitator_provider_id,
                municipality_code,
                language_codes,
                valid_from_date,
                valid_to_date
            order by delivery_sequence
        ) as continues_from_seq
    from spanned
),

numbered as (
    select
        *,
        sum(case when continues_from_seq = delivery_sequence then 0 else 1 end) over (
            partition by voucher_provider_id
            order by delivery_sequence
            rows between unbounded preceding and current row
        ) as span_number
    from marked
),

final as (
    select
        voucher_provider_id,
        business_id,
        provider_name,
        sector_code,
        service_codes,
        facilitator_provider_id,
        municipality_code,
        language_codes,
        valid_from_date,
        valid_to_date,
        min(delivery_sequence) as known_from_seq,
        case when count(*) = count(next_sequence) then max(next_sequence) end as known_to_seq
    from numbered
    group by
        voucher_provider_id,
        business_id,
        provider_name,
        sector_code,
        service_codes,
        facilitator_provider_id,
        municipality_code,
        language_codes,
        valid_from_date,
        valid_to_date,
        span_number
)

select
    voucher_provider_id,
    business_id,
    provider_name,
    sector_code,
    service_codes,
    facilitator_provider_id,
    municipality_code,
    language_codes,
    valid_from_date,
    valid_to_date,
    known_from_seq,
    known_to_seq
from final
