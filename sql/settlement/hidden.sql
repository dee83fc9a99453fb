-- Days of the month on lists that the lake may not tell, by the record that says which list it is.
select
    choice.delivery_sequence,
    choice.record_number,
    cast(sum(listed.person_days) as bigint) as person_days
from settle.listed as listed
inner join settle.hidden_choice as choice
    on
        listed.person_id = choice.person_id
        and listed.from_date >= choice.from_date
        and (choice.to_date is null or listed.from_date < choice.to_date)
where listed.list_month = $list_month and listed.status_code = 'hidden'
group by choice.delivery_sequence, choice.record_number
