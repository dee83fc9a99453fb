-- grain: One row per month, service and the ways in which one person's day of it was paid for.
-- key: [service_month, paid_service_code, is_voucher_paid, is_own_service, is_invoiced]
-- purpose: knowledge management
-- may_be_empty: nothing may have been paid for twice
with
day as (
    select
        cast(date_trunc('month', service_date) as date) as service_month,
        paid_service_code,
        voucher_eur > 0 as is_voucher_paid,
        own_eur > 0 as is_own_service,
        invoice_eur > 0 as is_invoiced,
        person_id,
        voucher_eur,
        own_eur,
        invoice_eur,
        -- At most the smaller of what was paid in any two ways was paid twice.
        least(
            greatest(voucher_eur, own_eur), greatest(voucher_eur, invoice_eur),
            greatest(own_eur, invoice_eur)
        ) as doubled_eur
    from core.doubly_paid_day
),

final as (
    select
        service_month,
        paid_service_code,
        is_voucher_paid,
        is_own_service,
        is_invoiced,
        count(*) as day_count,
        count(distinct person_id) as person_count,
        cast(sum(voucher_eur) as decimal(18, 2)) as voucher_eur,
        cast(sum(own_eur) as decimal(18, 2)) as own_eur,
        cast(sum(invoice_eur) as decimal(18, 2)) as invoice_eur,
        cast(sum(doubled_eur) as decimal(18, 2)) as doubled_eur
    from day
    group by service_month, paid_service_code, is_voucher_paid, is_own_service, is_invoiced
)

select
    service_month,
    paid_service_code,
    is_voucher_paid,
    is_own_service,
    is_invoiced,
    day_count,
    person_count,
    voucher_eur,
    own_eur,
    invoice_eur,
    doubled_eur
from final
