-- Acts with a fee done in the month to persons whose list the lake may not tell: the record of the
-- act, which says where it was done, and that of the choice in force on its day.
select
    procedure.person_id,
    procedure.procedure_code,
    procedure.performed_date,
    procedure.delivery_sequence as act_sequence,
    procedure.record_number as act_record,
    choice.delivery_sequence as choice_sequence,
    choice.record_number as choice_record
from core.procedure as procedure
inner join settle.act_fee as fee
    on fee.list_month = $list_month and procedure.procedure_code = fee.procedure_code
inner join settle.listed as listed
    on
        listed.list_month = $list_month
        and listed.status_code = 'hidden'
        and procedure.person_id = listed.person_id
        and procedure.performed_date >= listed.from_date
        and procedure.performed_date < listed.from_date + cast(listed.person_days as integer)
inner join settle.hidden_choice as choice
    on
        procedure.person_id = choice.person_id
        and procedure.performed_date >= choice.from_date
        and (choice.to_date is null or procedure.performed_date < choice.to_date)
where procedure.procedure_month = $list_month and procedure.site_id is null
