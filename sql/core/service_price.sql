-- grain: One row per agreed price of a voucher service, and span of deliveries that state it so.
-- key: [price_id, known_from_seq]
-- may_be_empty: the source may not have begun to send
with
version as (
    select
        price_id,
        voucher_provider_id,
        service_code,
        unit_code,
        unit_price_eur,
        vat_code,
        vat_pct,
        valid_from_date,
        valid_to_date,
        delivery_sequence
    from effective.service_prices
),

spanned as (
    select
        *,
        lead(delivery_sequence) over (partition by price_id order by delivery_sequence)
            as next_sequence
    from version
),

-- A version speaks when it comes and when another takes its place, perhaps of another service.
moment as (
    select
        voucher_provider_id,
        service_code,
        unit_code,
        delivery_sequence as known_seq
    from spanned
    union
    select
        voucher_provider_id,
        service_code,
        unit_code,
        next_sequence as known_seq
    from spanned
    where next_sequence is not null
),

-- What was known of a service's prices after each delivery that says something of them. A later
-- price ends the earlier one, whether or not the source closes it.
timeline as (
    select
        spanned.price_id,
        spanned.voucher_provider_id,
        spanned.service_code,
        spanned.unit_code,
        spanned.unit_price_eur,
        spanned.vat_code,
        spanned.vat_pct,
        spanned.valid_from_date,
        least(
            spanned.valid_to_date,
            lead(spanned.valid_from_date) over (
                partition by
                    spanned.voucher_provider_id,
                    spanned.service_code,
                    spanned.unit_code,
                    moment.known_seq
                order by spanned.valid_from_date, spanned.price_id
            )
        ) as valid_to_date,
        moment.known_seq
    from spanned
    inner join moment
        on
            spanned.voucher_provider_id = moment.voucher_provider_id
            and spanned.service_code = moment.service_code
            and spanned.unit_code = moment.unit_code
            and spanned.delivery_sequence <= moment.known_seq
            and (spanned.next_sequence is null or spanned.next_sequence > moment.known_seq)
),

next_moment as (
    select
        voucher_provider_id,
        service_code,
        unit_code,
        known_seq,
        lead(known_seq) over (
            partition by voucher_provider_id, service_code, unit_code order by known_seq
        ) as next_known_seq
    from moment
),

marked as (
    select
        timeline.*,
        next_moment.next_known_seq,
        lag(next_moment.next_known_seq) over (
            partition by
                timeline.price_id,
                timeline.voucher_provider_id,
                timeline.service_code,
                timeline.unit_code,
                timeline.unit_price_eur,
                timeline.vat_code,
                timeline.vat_pct,
                timeline.valid_from_date,
                timeline.valid_to_date
            order by timeline.known_seq
        ) as continues_from_seq
    from timeline
    inner join next_moment
        on
            timeline.voucher_provider_id = next_moment.voucher_provider_id
            and timeline.service_code = next_moment.service_code
            and timeline.unit_code = next_moment.unit_code
            and timeline.known_seq = next_moment.known_seq
),

numbered as (
    select
        *,
        sum(case when continues_from_seq = known_seq then 0 else 1 end) over (
            partition by price_id
            order by known_seq
            rows between unbounded preceding and current row
        ) as span_number
    from marked
),

final as (
    select
        price_id,
        voucher_provider_id,
        service_code,
        unit_code,
        unit_price_eur,
        vat_code,
        vat_pct,
        valid_from_date,
        valid_to_date,
        min(known_seq) as known_from_seq,
        case when count(*) = count(next_known_seq) then max(next_known_seq) end as known_to_seq
    from numbered
    group by
        price_id,
        voucher_provider_id,
        service_code,
        unit_code,
        unit_price_eur,
        vat_code,
        vat_pct,
        valid_from_date,
        valid_to_date,
        span_number
)

select
    price_id,
    voucher_provider_id,
    service_code,
    unit_code,
    unit_price_eur,
    vat_code,
    vat_pct,
    valid_from_date,
    valid_to_date,
    known_from_seq,
    known_to_seq
from final
