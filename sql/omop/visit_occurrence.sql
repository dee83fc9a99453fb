-- One row per encounter and per episode of specialised care. An episode that goes on ends on the
-- last day that the data reach. Persons whom no register lists have no row in person, hence none
-- here; they are counted as left out.
with
visit as (
    select
        'encounter' as event_kind_code,
        encounter.encounter_id as event_id,
        encounter.person_id,
        encounter.encounter_date as start_date,
        encounter.started_at,
        encounter.encounter_date as end_date,
        encounter.ended_at,
        encounter.site_id as place_id,
        encounter.contact_type_code as source_code,
        cast(null as varchar) as discharge_code
    from release.encounter as encounter
    union all
    select
        'hospital_episode' as event_kind_code,
        episode.episode_id as event_id,
        episode.person_id,
        episode.episode_date as start_date,
        episode.started_at,
        case
            when episode.ended_at is null then greatest(episode.episode_date, cdm.reached_date)
            else greatest(episode.episode_date, cast(episode.ended_at as date))
        end as end_date,
        episode.ended_at,
        episode.unit_code as place_id,
        episode.episode_kind_code as source_code,
        episode.discharge_code
    from release.hospital_episode as episode
    cross join omop.cdm as cdm
)

select
    row_number() over (order by visit.event_kind_code, visit.event_id) as visit_occurrence_id,
    numbered.omop_person_id as person_id,
    coalesce(kind.concept_id, 0) as visit_concept_id,
    visit.start_date as visit_start_date,
    visit.started_at as visit_start_datetime,
    visit.end_date as visit_end_date,
    visit.ended_at as visit_end_datetime,
    0 as visit_type_concept_id,
    care_site.care_site_id,
    visit.source_code as visit_source_value,
    coalesce(kind.source_concept_id, 0) as visit_source_concept_id,
    visit.discharge_code as discharged_to_source_value,
    visit.event_kind_code,
    visit.event_id
from visit
inner join omop.person_number as numbered on visit.person_id = numbered.person_id
left join omop.care_site as care_site on visit.place_id = care_site.care_site_source_value
left join omop.mapping as kind
    on visit.source_code = kind.source_code and kind.kind_code = 'visit'
