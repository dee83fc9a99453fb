-- grain: One row per month, service, profession, contact type and site.
-- key: [encounter_month, service_code, profession_code, contact_type_code, site_id]
-- partition: encounter_month
-- touched:
--   - select encounter_month from changed.encounter
-- purpose: knowledge management
with
final as (
    select
        encounter_month,
        service_code,
        profession_code,
        contact_type_code,
        -- Encounters of persons under a protection order count, at no site.
        site_id,
        count(*) as encounter_count,
        count(distinct person_id) as person_count,
        cast(sum(duration_minutes) as decimal(18, 1)) as duration_minutes
    from core.encounter
    group by encounter_month, service_code, profession_code, contact_type_code, site_id
)

select
    encounter_month,
    service_code,
    profession_code,
    contact_type_code,
    site_id,
    encounter_count,
    person_count,
    duration_minutes
from final
