-- Whom another word of places may list otherwise. Deliveries of sites and of municipalities that
-- came, went or came back since the settlement before are held against one another and the newest
-- before them. A choice of a site that nobody knew counts once the site is known; a public provider
-- is paid in shadow; who chose nobody belongs to the public site of the municipality; and
-- municipalities join the area or leave it.
with
turned as (
    select distinct
        table_name,
        delivery_sequence
    from ops.delivery_event
    where
        event_id > $last_event_id
        and source = 'reference'
        and table_name in ('sites', 'municipalities')
),

before as (
    select
        delivery.table_name,
        max(delivery.delivery_sequence) as delivery_sequence
    from effective.delivery as delivery
    anti join turned
        on
            delivery.table_name = turned.table_name
            and delivery.delivery_sequence = turned.delivery_sequence
    where delivery.source = 'reference'
    group by delivery.table_name
),

compared as (
    select
        table_name,
        delivery_sequence
    from turned
    union
    select
        table_name,
        delivery_sequence
    from before
),

compared_count as (
    select
        table_name,
        count(*) as delivery_count
    from compared
    group by table_name
),

site as (
    select sites.*
    from staging.sites as sites
    inner join compared
        on
            compared.table_name = 'sites'
            and sites.delivery_sequence = compared.delivery_sequence
),

site_told as (
    select
        delivery_sequence,
        site_id
    from site
    group by delivery_sequence, site_id
),

sector_told as (
    select
        delivery_sequence,
        provider_id,
        arg_max(sector_code, valid_from_date) as sector_code
    from site
    group by delivery_sequence, provider_id
),

area_told as (
    select
        municipalities.delivery_sequence,
        municipalities.municipality_code,
        arg_max(municipalities.is_trial_area, municipalities.valid_from_date) as is_trial_area
    from staging.municipalities as municipalities
    inner join compared
        on
            compared.table_name = 'municipalities'
            and municipalities.delivery_sequence = compared.delivery_sequence
    group by municipalities.delivery_sequence, municipalities.municipality_code
),

changed_site as (
    select site_told.site_id
    from site_told
    inner join compared_count on compared_count.table_name = 'sites'
    group by site_told.site_id, compared_count.delivery_count
    having count(*) < compared_count.delivery_count
),

changed_provider as (
    select sector_told.provider_id
    from sector_told
    group by sector_told.provider_id
    having min(sector_told.sector_code) <> max(sector_told.sector_code)
),

changed_station as (
    select site.municipality_code
    from site
    inner join compared_count on compared_count.table_name = 'sites'
    where site.sector_code = 'public' and site.service_code = $service_code
    group by
        site.municipality_code,
        site.site_id,
        site.provider_id,
        site.valid_from_date,
        site.valid_to_date,
        compared_count.delivery_count
    having count(*) < compared_count.delivery_count
    union
    select site.municipality_code
    from site
    inner join changed_provider on site.provider_id = changed_provider.provider_id
    where site.sector_code = 'public' and site.service_code = $service_code
),

changed_area as (
    select area_told.municipality_code
    from area_told
    inner join compared_count on compared_count.table_name = 'municipalities'
    group by area_told.municipality_code, compared_count.delivery_count
    having
        count(*) < compared_count.delivery_count
        or min(area_told.is_trial_area) <> max(area_told.is_trial_area)
)

select
    coalesce(person_alias.person_id, enrolments.person_id) as person_id,
    'place' as touched_code
from effective.enrolments as enrolments
left join core.person_alias as person_alias
    on enrolments.person_id = person_alias.alias_person_id
where
    enrolments.site_id in (select changed_site.site_id from changed_site)
    or enrolments.provider_id in (
        select changed_provider.provider_id from changed_provider
    )
union
select
    person_id,
    'place' as touched_code
from core.residence
where
    municipality_code in (select changed_area.municipality_code from changed_area)
    or (
        (select bool_or(closed.is_shadow_for_public) from settle.closed as closed)
        and municipality_code in (
            select changed_station.municipality_code from changed_station
        )
    )
