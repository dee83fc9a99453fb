-- Incentive share of the version in force; most schemes have none.
select
    $list_month as list_month,
    incentive_share
from rulebook.capitation_incentive
where rulebook_id = $rulebook_id and valid_from_date = $version_date
