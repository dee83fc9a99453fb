-- grain: One row per month of booking and kind of voucher line, stated by the sender or booked.
-- key: [booked_month, transaction_kind_code]
-- may_be_empty: the source may not have begun to send
with
stated as (
    select
        month_start_date,
        transaction_kind_code,
        transaction_count,
        amount_eur,
        client_share_eur,
        updated_at,
        delivery_sequence
    from current.statements
),

booked as (
    select
        booked_month,
        transaction_kind_code,
        count(transaction_id) as booked_count,
        cast(sum(amount_eur) as decimal(18, 2)) as booked_eur,
        cast(sum(client_share_eur) as decimal(18, 2)) as booked_client_share_eur
    from core.voucher_transaction
    group by booked_month, transaction_kind_code
),

-- What only one side knows stays: a month nobody has stated is as little reconciled as a wrong one.
matched as (
    select
        coalesce(stated.month_start_date, booked.booked_month) as booked_month,
        coalesce(stated.transaction_kind_code, booked.transaction_kind_code)
            as transaction_kind_code,
        stated.transaction_count as stated_count,
        stated.amount_eur as stated_eur,
        stated.client_share_eur as stated_client_share_eur,
        coalesce(booked.booked_count, 0) as booked_count,
        coalesce(booked.booked_eur, cast(0 as decimal(18, 2))) as booked_eur,
        coalesce(booked.booked_client_share_eur, cast(0 as decimal(18, 2)))
            as booked_client_share_eur,
        stated.updated_at as stated_at,
        stated.delivery_sequence
    from stated
    full join booked
        on
            stated.month_start_date = booked.booked_month
            and stated.transaction_kind_code = booked.transaction_kind_code
),

final as (
    select
        booked_month,
        transaction_kind_code,
        stated_count,
        stated_eur,
        stated_client_share_eur,
        booked_count,
        booked_eur,
        booked_client_share_eur,
        stated_eur - booked_eur as difference_eur,
        coalesce(
            stated_count = booked_count
            and stated_eur = booked_eur
            and stated_client_share_eur = booked_client_share_eur,
            false
        ) as is_reconciled,
        stated_at,
        delivery_sequence
    from matched
)

select
    booked_month,
    transaction_kind_code,
    stated_count,
    stated_eur,
    stated_client_share_eur,
    booked_count,
    booked_eur,
    booked_client_share_eur,
    difference_eur,
    is_reconciled,
    stated_at,
    delivery_sequence
from final
