-- Base amounts per person-year of the version in force.
select
    $list_month as list_month,
    version_date,
    age_from,
    age_to,
    sex_code,
    base_eur
from mart.capitation_tariff
where rulebook_id = $rulebook_id and version_date = $version_date
