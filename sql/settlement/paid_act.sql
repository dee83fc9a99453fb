-- Acts that have a fee in each closed month, as it was settled or as it was put right.
select
    list_month,
    procedure_code
from settle.act_fee
where list_month < $list_month
union
select
    list_month,
    procedure_code
from settle.new_act_fee
