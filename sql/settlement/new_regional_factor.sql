-- Regional factors of closed months whose tariff was put right.
select
    corrected.list_month,
    regional.municipality_code,
    cast(regional.factor as decimal(18, 8)) as factor
from settle.corrected as corrected
inner join rulebook.capitation_regional_factor as regional
    on
        corrected.rulebook_id = regional.rulebook_id
        and corrected.version_date = regional.valid_from_date
