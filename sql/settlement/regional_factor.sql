-- Regional factors of the newest version in force when the month begins.
select
    $list_month as list_month,
    municipality_code,
    cast(factor as decimal(18, 8)) as factor
from rulebook.capitation_regional_factor
where
    rulebook_id = $rulebook_id
    and valid_from_date = (
        select max(newest.valid_from_date)
        from rulebook.capitation_regional_factor as newest
        where newest.rulebook_id = $rulebook_id and newest.valid_from_date <= $list_month
    )
