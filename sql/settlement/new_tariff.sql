-- Base amounts of closed months whose tariff was put right.
select
    corrected.list_month,
    corrected.version_date,
    tariff.age_from,
    tariff.age_to,
    tariff.sex_code,
    tariff.base_eur
from settle.corrected as corrected
inner join mart.capitation_tariff as tariff
    on corrected.rulebook_id = tariff.rulebook_id and corrected.version_date = tariff.version_date
