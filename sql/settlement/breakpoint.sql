-- Steps of list size of the version in force.
select
    $list_month as list_month,
    list_from_count,
    amount_eur
from rulebook.capitation_breakpoint
where rulebook_id = $rulebook_id and valid_from_date = $version_date
