-- grain: One row per line of an invoice or credit note of specialised care, in its newest version.
-- key: [invoice_id, invoice_line_number]
-- partition: invoice_month
-- may_be_empty: the source may not have begun to send
-- touched:
--   - >-
--     select cast(date_trunc('month', invoices.invoiced_date) as date)
--     from staging.invoices as invoices
--     inner join changed.person_alias as person_alias
--     on invoices.person_id = person_alias.alias_person_id
--   - select cast(date_trunc('month', invoiced_date) as date) from changed.invoices
--   - >-
--     select cast(date_trunc('month', invoices.invoiced_date) as date)
--     from staging.invoices as invoices
--     inner join changed.specialised_care as specialised_care
--     on invoices.episode_id = specialised_care.episode_id
--   - >-
--     select cast(date_trunc('month', invoices.invoiced_date) as date)
--     from staging.invoices as invoices
--     inner join staging.specialised_care as specialised_care
--     on invoices.episode_id = specialised_care.episode_id
--     inner join changed.referrals as referrals
--     on specialised_care.referral_id = referrals.referral_id
--   - >-
--     select cast(date_trunc('month', invoices.invoiced_date) as date)
--     from staging.invoices as invoices
--     inner join changed.invoices as credit on invoices.invoice_id = credit.credited_invoice_id
--   - >-
--     select cast(date_trunc('month', invoices.invoiced_date) as date)
--     from staging.invoices as invoices
--     inner join changed.invoices as credited on invoices.credited_invoice_id = credited.invoice_id
with
-- A line that bills an episode that is not there (yet) waits in core.unresolved.
line as (
    select
        invoices.*,
        -- Keys of what may be joined: a condition of its own beside them would compare every row
        -- with every other.
        case when invoices.is_credit then invoices.credited_invoice_id end as crediting_id,
        case when not invoices.is_credit then invoices.invoice_id end as billing_id
    from current.invoices as invoices
    left join core.hospital_episode as hospital_episode
        on invoices.episode_id = hospital_episode.episode_id
    where invoices.episode_id is null or hospital_episode.episode_id is not null
),

billed as (
    select
        invoice_id,
        invoice_line_number,
        episode_id,
        invoiced_date
    from line
    where not is_credit
),

credit as (
    select
        credited_invoice_id,
        invoice_line_number,
        episode_id,
        cast(sum(amount_eur) as decimal(18, 2)) as credited_eur
    from line
    where is_credit
    group by credited_invoice_id, invoice_line_number, episode_id
),

final as (
    select
        line.invoice_id,
        line.invoice_line_number,
        line.episode_id,
        coalesce(person_alias.person_id, line.person_id) as person_id,
        line.unit_code,
        line.speciality_code,
        line.invoiced_date,
        cast(date_trunc('month', line.invoiced_date) as date) as invoice_month,
        line.service_date,
        line.product_code,
        line.quantity,
        line.amount_eur,
        line.is_credit,
        line.credited_invoice_id,
        billed.invoiced_date as credited_invoiced_date,
        -- What is left of the line after its credit notes, and nothing on the notes themselves.
        -- Over all months both sums are one: a credit counts in its own month, or in its line's.
        case
            when line.is_credit then cast(0 as decimal(18, 2))
            else cast(line.amount_eur + coalesce(credit.credited_eur, 0) as decimal(18, 2))
        end as net_amount_eur,
        line.delivery_sequence,
        line.record_number
    from line
    left join core.person_alias as person_alias
        on line.person_id = person_alias.alias_person_id
    left join billed
        on
            line.crediting_id = billed.invoice_id
            and line.invoice_line_number = billed.invoice_line_number
            and line.episode_id is not distinct from billed.episode_id
    left join credit
        on
            line.billing_id = credit.credited_invoice_id
            and line.invoice_line_number = credit.invoice_line_number
            and line.episode_id is not distinct from credit.episode_id
    -- A credit note of a line that is not there (yet) waits in core.unresolved.
    where not line.is_credit or billed.invoice_id is not null
)

select
    invoice_id,
    invoice_line_number,
    episode_id,
    person_id,
    unit_code,
    speciality_code,
    invoiced_date,
    invoice_month,
    service_date,
    product_code,
    quantity,
    amount_eur,
    is_credit,
    credited_invoice_id,
    credited_invoiced_date,
    net_amount_eur,
    delivery_sequence,
    record_number
from final
