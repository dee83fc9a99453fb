-- Acts and euros of closed months as the ledger has them, lines and corrections together.
select
    list_month,
    line_kind_code,
    provider_id,
    procedure_code,
    is_shadow,
    cast(sum(act_count) as bigint) as act_count,
    cast(sum(amount_eur) as decimal(18, 2)) as amount_eur
from settle.settled_entry
group by list_month, line_kind_code, provider_id, procedure_code, is_shadow
