-- grain: One row per accepted row in force that waits for a row of another table.
-- key: [source, table_name, delivery_sequence, record_number]
-- may_be_empty: every reference may be found
with
site as (
    select distinct site_id
    from core.site
),

billed as (
    select
        invoices.invoice_id,
        invoices.invoice_line_number,
        invoices.episode_id
    from current.invoices as invoices
    left join core.hospital_episode as hospital_episode
        on invoices.episode_id = hospital_episode.episode_id
    where
        not invoices.is_credit
        and (invoices.episode_id is null or hospital_episode.episode_id is not null)
),

-- Of an invoice line's two references the first that is missing is named.
invoice_line as (
    select
        invoices.delivery_sequence,
        invoices.record_number,
        invoices.episode_id is not null and hospital_episode.episode_id is null
            as lacks_episode,
        invoices.is_credit and billed.invoice_id is null as lacks_credited_line
    from current.invoices as invoices
    left join core.hospital_episode as hospital_episode
        on invoices.episode_id = hospital_episode.episode_id
    left join billed
        on
            invoices.credited_invoice_id = billed.invoice_id
            and invoices.invoice_line_number = billed.invoice_line_number
            and invoices.episode_id is not distinct from billed.episode_id
),

waiting as (
    select
        'apotti' as source,
        'encounters' as table_name,
        encounters.delivery_sequence,
        encounters.record_number,
        'site_id' as reference
    from current.encounters as encounters
    anti join site on encounters.site_id = site.site_id
    where encounters.site_id is not null
    union all
    select
        'apotti' as source,
        'diagnoses' as table_name,
        diagnoses.delivery_sequence,
        diagnoses.record_number,
        'encounter_id' as reference
    from current.diagnoses as diagnoses
    anti join core.encounter as encounter on diagnoses.encounter_id = encounter.encounter_id
    union all
    select
        'apotti' as source,
        'procedures' as table_name,
        procedures.delivery_sequence,
        procedures.record_number,
        'encounter_id' as reference
    from current.procedures as procedures
    anti join core.encounter as encounter on procedures.encounter_id = encounter.encounter_id
    union all
    select
        'enrolment_portal' as source,
        'enrolments' as table_name,
        enrolments.delivery_sequence,
        enrolments.record_number,
        'site_id' as reference
    from current.enrolments as enrolments
    anti join site on enrolments.site_id = site.site_id
    where enrolments.site_id is not null
    union all
    select
        'hus' as source,
        'specialised_care' as table_name,
        specialised_care.delivery_sequence,
        specialised_care.record_number,
        'referral_id' as reference
    from current.specialised_care as specialised_care
    anti join core.referral as referral on specialised_care.referral_id = referral.referral_id
    where specialised_care.referral_id is not null
    union all
    select
        'hus' as source,
        'invoices' as table_name,
        delivery_sequence,
        record_number,
        'episode_id' as reference
    from invoice_line
    where lacks_episode
    union all
    select
        'hus' as source,
        'invoices' as table_name,
        delivery_sequence,
        record_number,
        'credited_invoice_id' as reference
    from invoice_line
    where lacks_credited_line and not lacks_episode
    union all
    -- A line that states no class waits for its cost centre's keys, another for its class.
    select
        'finance' as source,
        'general_ledger' as table_name,
        general_ledger.delivery_sequence,
        general_ledger.record_number,
        'cost_centre_code' as reference
    from current.general_ledger as general_ledger
    anti join core.ledger_entry as ledger_entry
        on
            general_ledger.voucher_number = ledger_entry.voucher_number
            and general_ledger.line_number = ledger_entry.line_number
    where general_ledger.service_class_code is null
    union all
    select
        'finance' as source,
        'general_ledger' as table_name,
        general_ledger.delivery_sequence,
        general_ledger.record_number,
        'service_class_code' as reference
    from current.general_ledger as general_ledger
    anti join core.ledger_entry as ledger_entry
        on
            general_ledger.voucher_number = ledger_entry.voucher_number
            and general_ledger.line_number = ledger_entry.line_number
    where general_ledger.service_class_code is not null
)

select
    source,
    table_name,
    delivery_sequence,
    record_number,
    reference
from waiting
