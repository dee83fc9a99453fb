-- grain: One row per month, site, language that clients asked for and language they were served in.
-- key: [encounter_month, site_id, contact_language_code, service_language_code]
-- partition: encounter_month
-- touched:
--   - select encounter_month from changed.encounter
-- purpose: knowledge management
-- may_be_empty: languages have been delivered from April 2017 on
with
final as (
    select
        encounter_month,
        -- Encounters of persons under a protection order count, at no site.
        site_id,
        contact_language_code,
        service_language_code,
        count(*) as encounter_count
    from core.encounter
    where contact_language_code is not null and service_language_code is not null
    group by encounter_month, site_id, contact_language_code, service_language_code
)

select
    encounter_month,
    site_id,
    contact_language_code,
    service_language_code,
    encounter_count
from final
