-- How many encounters were there per thousand residents, by month, municipality and service?
with
resident as (
    select
        exposure_month,
        municipality_code,
        count(*) as person_count
    from core.person_month
    group by exposure_month, municipality_code
),

met as (
    select
        encounter.encounter_month,
        person_month.municipality_code,
        encounter.service_code,
        count(*) as encounter_count
    from core.encounter as encounter
    -- Encounters of people who live elsewhere have no residents to be held against.
    inner join core.person_month as person_month
        on
            encounter.person_id = person_month.person_id
            and encounter.encounter_month = person_month.exposure_month
    group by encounter.encounter_month, person_month.municipality_code, encounter.service_code
)

select
    met.encounter_month,
    met.municipality_code,
    met.service_code,
    met.encounter_count,
    resident.person_count,
    round(1000.0 * met.encounter_count / nullif(resident.person_count, 0), 1) as per_1000
from met
inner join resident
    on
        met.encounter_month = resident.exposure_month
        and met.municipality_code is not distinct from resident.municipality_code
