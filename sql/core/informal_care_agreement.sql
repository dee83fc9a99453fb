-- grain: One row per agreement on informal care, which joins a carer and the person cared for.
-- key: [agreement_id]
-- may_be_empty: the source may not have begun to send
with
final as (
    select
        agreement.agreement_id,
        coalesce(person_alias.person_id, agreement.person_id) as person_id,
        coalesce(cared_alias.person_id, agreement.cared_person_id) as cared_person_id,
        agreement.fee_class_code,
        agreement.fee_month_eur,
        agreement.leave_month_days,
        agreement.leave_taken_days,
        agreement.valid_from_date,
        agreement.valid_to_date,
        agreement.delivery_sequence,
        agreement.record_number
    from current.informal_care_agreements as agreement
    left join core.person_alias as person_alias
        on agreement.person_id = person_alias.alias_person_id
    left join core.person_alias as cared_alias
        on agreement.cared_person_id = cared_alias.alias_person_id
)

select
    agreement_id,
    person_id,
    cared_person_id,
    fee_class_code,
    fee_month_eur,
    leave_month_days,
    leave_taken_days,
    valid_from_date,
    valid_to_date,
    delivery_sequence,
    record_number
from final
