-- grain: One row per person and month in which the person lived in the area for at least a day.
-- key: [person_id, exposure_month]
-- partition: exposure_month
-- touched:
--   - select exposure_month from changed.register_month
--   - >-
--     select register_month.exposure_month
--     from core.register_month as register_month cross join changed.municipality
--   - >-
--     select distinct register_month.exposure_month
--     from core.register_month as register_month inner join changed.residence as residence
--     on residence.valid_from_date < register_month.exposure_month + interval 1 month
--     and (residence.valid_to_date is null
--     or residence.valid_to_date > register_month.exposure_month)
--   - >-
--     select distinct register_month.exposure_month
--     from changed.person as person
--     inner join core.residence as residence on person.person_id = residence.person_id
--     inner join core.register_month as register_month
--     on residence.valid_from_date < register_month.exposure_month + interval 1 month
--     and (residence.valid_to_date is null
--     or residence.valid_to_date > register_month.exposure_month)
with
covered as (
    select
        min(exposure_month) as first_date,
        cast(max(exposure_month) + interval 1 month as date) as end_date
    from core.register_month
),

-- A protected person lives in the area and nowhere narrower.
stay as (
    select
        residence.person_id,
        residence.municipality_code,
        greatest(residence.valid_from_date, covered.first_date) as from_date,
        least(coalesce(residence.valid_to_date, covered.end_date), covered.end_date) as to_date
    from core.residence as residence
    cross join covered
    left join core.municipality as municipality
        on residence.municipality_code = municipality.municipality_code
    where
        residence.known_to_seq is null
        and (residence.municipality_code is null or municipality.is_trial_area)
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
        arg_max_null(municipality_code, from_date) as municipality_code,
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
    -- A stay comes from a register row, and so does the person: the join loses nobody.
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
