-- grain: One row per payment scheme, month, provider and whether it is settled in shadow.
select
    rulebook_id,
    settlement_month,
    provider_id,
    is_shadow,
    amount_eur
from shelf.capitation_payment
order by rulebook_id, settlement_month, provider_id
