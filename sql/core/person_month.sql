-- grain: One row per person and month in which the person lived in the area for at least a day.
-- key: [person_id, exposure_month]
-- partition: exposure_month
-- touched:
--   - >-
--     select cast(unnest(generate_series(
--     cast(date_trunc('month', greatest(valid_from_date, date '1990-01-01')) as date),
--     coalesce(valid_to_date, (select max(covers_to_date) from ops.delivery
--     where table_name = 'residents')), interval 1 month)) as date)
--     from changed.residence
--   - >-
--     select cast(unnest(generate_series(
--     cast(date_trunc('month', residence.valid_from_date) as date),
--     coalesce(residence.valid_to_date, (select max(covers_to_date) from ops.delivery
--     where table_name = 'residents')), interval 1 month)) as date)
--     from core.residence as residence
--     inner join changed.person as person on residence.person_id = person.person_id
--   - >-
--     select cast(date_trunc('month', covers_to_date) as date)
--     from ops.delivery where table_name = 'residents'
with
covered as (
    select
        cast(date_trunc('month', min(covers_to_date)) as date) as first_date,
        max(covers_to_date) as last_date
    from ops.delivery
    where source = 'population_register' and table_name = 'residents'
),

area as (
    select distinct municipality_code
    from current.municipalities
    where is_trial_area
),

-- A protected person lives in the area and nowhere narrower.
stay as (
    select
        residence.person_id,
        residence.municipality_code,
        greatest(residence.valid_from_date, covered.first_date) as from_date,
        least(coalesce(residence.valid_to_date, covered.last_date + 1), covered.last_date + 1)
            as to_date
    from core.residence as residence
    cross join covered
    left join area on residence.municipality_code = area.municipality_code
    where
        residence.known_to_seq is null
        and (residence.municipality_code is null or area.municipality_code is not null)
),

stay_month as (
    select
        person_id,
        municipality_code,
        from_date,
        to_date,
        cast(
            unnest(
                generate_series(
                    cast(date_trunc('month', from_date) as date), to_date - 1, interval 1 month
                )
            ) as date
        ) as exposure_month
    from stay
    where from_date < to_date
),

stay_days as (
    select
        person_id,
        municipality_code,
        exposure_month,
        from_date,
        date_diff(
            'day',
            greatest(from_date, exposure_month),
            least(to_date, cast(exposure_month + interval 1 month as date))
        ) as resident_days
    from stay_month
),

exposure as (
    select
        person_id,
        exposure_month,
        arg_max(municipality_code, from_date) as municipality_code,
        cast(sum(resident_days) as integer) as resident_days
    from stay_days
    group by person_id, exposure_month
),

final as (
    select
        exposure.person_id,
        exposure.exposure_month,
        exposure.municipality_code,
        person.sex_code,
        person.birth_date,
        exposure.resident_days
    from exposure
    inner join core.person as person on exposure.person_id = person.person_id
)

select
    person_id,
    exposure_month,
    municipality_code,
    sex_code,
    birth_date,
    resident_days
from final
