-- Fees per act of the version in force; most schemes have none.
select
    $list_month as list_month,
    procedure_code,
    fee_eur
from rulebook.capitation_act_fee
where rulebook_id = $rulebook_id and valid_from_date = $version_date
