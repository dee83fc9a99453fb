-- One row per site, and per hospital that gives specialised care.
with
newest as (
    select
        site_id,
        site_name,
        service_code,
        municipality_code,
        row_number() over (partition by site_id order by valid_from_date desc) as version_rank
    from release.site
),

place as (
    select
        site_id as care_site_source_value,
        site_name as care_site_name,
        service_code as place_of_service_source_value,
        municipality_code
    from newest
    where version_rank = 1
    union all
    select
        unit_code as care_site_source_value,
        unit_code as care_site_name,
        'specialised' as place_of_service_source_value,
        cast(null as varchar) as municipality_code
    from release.hospital_episode
    where unit_code is not null
    group by unit_code
)

select
    row_number() over (
        order by place.place_of_service_source_value, place.care_site_source_value
    ) as care_site_id,
    place.care_site_name,
    0 as place_of_service_concept_id,
    location.location_id,
    place.care_site_source_value,
    place.place_of_service_source_value
from place
left join omop.location as location
    on place.municipality_code = location.location_source_value
