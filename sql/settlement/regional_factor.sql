-- Regional factors of the version in force.
select
    $list_month as list_month,
    municipality_code,
    cast(factor as decimal(18, 8)) as factor
from rulebook.capitation_regional_factor
where rulebook_id = $rulebook_id and valid_from_date = $version_date
