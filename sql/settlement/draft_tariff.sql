-- Base amounts per person-year straight from a draft's rulebook: one for any sex is one for each.
select
    $list_month as list_month,
    amount.valid_from_date as version_date,
    amount.age_from,
    amount.age_to,
    sex.sex_code,
    cast(amount.amount_eur as decimal(18, 6)) as base_eur
from rulebook.capitation_amount as amount
inner join (values ('1'), ('2')) as sex (sex_code)
    on amount.sex_code in (sex.sex_code, 'any')
where amount.rulebook_id = $rulebook_id and amount.valid_from_date = $version_date
