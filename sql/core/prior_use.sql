-- grain: One row per payment scheme, window before anyone had chosen, and resident in that window.
-- key: [rulebook_id, window_from_date, person_id]
-- may_be_empty: choice may not have begun
with
service as (
    select
        service_code,
        min(valid_from_date) as first_version_date
    from rulebook.capitation_scheme
    group by service_code
),

-- The day on which choice began in the service: no provider's activity reaches a window before it.
begun as (
    select
        enrolment.service_code,
        cast(date_trunc('month', min(enrolment.valid_from_date)) as date) as window_to_date
    from core.enrolment as enrolment
    inner join service on enrolment.service_code = service.service_code
    where
        enrolment.known_to_seq is null
        and enrolment.valid_from_date >= service.first_version_date
    group by enrolment.service_code
),

scheme_window as (
    select distinct
        scheme.rulebook_id,
        begun.window_to_date,
        cast(begun.window_to_date - to_months(scheme.window_months) as date) as window_from_date
    from rulebook.capitation_scheme as scheme
    inner join begun on scheme.service_code = begun.service_code
),

-- Every package that any version of the scheme pays for.
basket as (
    select distinct
        rulebook_id,
        package_class_code
    from rulebook.capitation_basket
),

-- A day is 366 units of a person-year in a common year and 365 in a leap year.
lived as (
    select
        scheme_window.rulebook_id,
        scheme_window.window_from_date,
        scheme_window.window_to_date,
        resident.person_id,
        arg_max_null(resident.municipality_code, resident.exposure_month) as municipality_code,
        any_value(resident.sex_code) as sex_code,
        any_value(resident.birth_date) as birth_date,
        cast(
            sum(
                resident.resident_days
                * (731 - dayofyear(make_date(year(resident.exposure_month), 12, 31)))
            ) as bigint
        ) as person_units
    from core.person_month as resident
    inner join scheme_window
        on
            resident.exposure_month >= scheme_window.window_from_date
            and resident.exposure_month < scheme_window.window_to_date
    group by
        scheme_window.rulebook_id,
        scheme_window.window_from_date,
        scheme_window.window_to_date,
        resident.person_id
),

-- Cost of months in which the person lived in the area.
spent as (
    select
        scheme_window.rulebook_id,
        scheme_window.window_from_date,
        cost.person_id,
        cast(sum(cost.cost_eur) as decimal(18, 2)) as observed_eur
    from core.cost as cost
    inner join scheme_window
        on
            cost.cost_month >= scheme_window.window_from_date
            and cost.cost_month < scheme_window.window_to_date
    inner join basket
        on
            scheme_window.rulebook_id = basket.rulebook_id
            and cost.package_class_code = basket.package_class_code
    inner join core.person_month as resident
        on cost.person_id = resident.person_id and cost.cost_month = resident.exposure_month
    where cost.cost_eur is not null
    group by scheme_window.rulebook_id, scheme_window.window_from_date, cost.person_id
),

private_site as (
    select distinct site_id
    from core.site
    where sector_code = 'private'
),

-- Who was seen by a public provider in the two years before anyone had chosen.
seen as (
    select distinct
        begun.service_code,
        encounter.person_id
    from core.encounter as encounter
    inner join begun
        on
            encounter.encounter_month >= begun.window_to_date - interval 24 month
            and encounter.encounter_month < begun.window_to_date
    left join private_site on encounter.site_id = private_site.site_id
    where private_site.site_id is null
    union
    select distinct
        begun.service_code,
        episode.person_id
    from core.hospital_episode as episode
    inner join begun
        on
            episode.episode_month >= begun.window_to_date - interval 24 month
            and episode.episode_month < begun.window_to_date
),

scheme_service as (
    select distinct
        rulebook_id,
        service_code
    from rulebook.capitation_scheme
),

final as (
    select
        lived.rulebook_id,
        lived.window_from_date,
        lived.window_to_date,
        lived.person_id,
        lived.municipality_code,
        lived.sex_code,
        -- Completed years on the day after the window; a child born in its last month is nought.
        age_years(lived.birth_date, lived.window_to_date) as age_years,
        lived.person_units,
        coalesce(spent.observed_eur, cast(0 as decimal(18, 2))) as observed_eur,
        coalesce(expected_cost.relative_need, cast(1 as decimal(18, 8))) as relative_need,
        seen.person_id is not null as has_public_contact
    from lived
    inner join scheme_service on lived.rulebook_id = scheme_service.rulebook_id
    left join spent
        on
            lived.rulebook_id = spent.rulebook_id
            and lived.window_from_date = spent.window_from_date
            and lived.person_id = spent.person_id
    left join seen
        on
            scheme_service.service_code = seen.service_code
            and lived.person_id = seen.person_id
    -- Need as it was when choice began: what anyone has written down since does not count.
    left join core.expected_cost as expected_cost
        on
            lived.person_id = expected_cost.person_id
            and cast(date_trunc('quarter', lived.window_to_date) as date)
            = expected_cost.index_month
)

select
    rulebook_id,
    window_from_date,
    window_to_date,
    person_id,
    municipality_code,
    sex_code,
    age_years,
    person_units,
    observed_eur,
    relative_need,
    has_public_contact
from final
