-- Person-days by cell of closed months as the ledger has them.
select
    list_month,
    provider_id,
    site_id,
    age_from,
    sex_code,
    municipality_code,
    is_shadow,
    cast(sum(person_days) as bigint) as person_days
from settle.settled_entry
where line_kind_code = 'capitation'
group by
    list_month, provider_id, site_id, age_from, sex_code, municipality_code, is_shadow
