-- grain: One row per measurement, in its newest version, its value harmonised where it can be.
-- key: [measurement_id]
-- partition: measurement_month
-- may_be_empty: the source may not have begun to send
-- touched:
--   - >-
--     select cast(date_trunc('month', civil_date(measurements.measured_at)) as date)
--     from staging.measurements as measurements
--     inner join changed.person_alias as person_alias
--     on measurements.person_id = person_alias.alias_person_id
--   - select cast(date_trunc('month', civil_date(measured_at)) as date) from changed.measurements
with
-- Spellings differ by device: blanks, case, the micro sign and raised figures are not meaning.
spelled as (
    select
        measurements.*,
        civil_date(measurements.measured_at) as measured_date,
        translate(
            lower(regexp_replace(coalesce(measurements.unit, ''), '[ ^]', '', 'g')), 'µμ²', 'uu2'
        ) as spelling,
        trim(measurements.value_text) as sent_text
    from current.measurements as measurements
),

read as (
    select
        *,
        sent_text is null or upper(sent_text) in ('', 'NULL', 'NA', 'PUUTTUU') as is_missing,
        nullif(regexp_extract(sent_text, '^[<>]'), '') as comparator,
        try_cast(
            replace(regexp_extract(sent_text, '^[<>]?([0-9]+(,[0-9]+)?)$', 1), ',', '.')
            as decimal(18, 6)
        ) as sent_value
    from spelled
),

-- The newest entry of the dated table in force on the day of the measurement.
unit as (
    select
        test_code,
        spelling,
        unit,
        factor,
        shift,
        lowest_value,
        highest_value,
        valid_from_date,
        lead(valid_from_date, 1, date '9999-12-31') over (
            partition by test_code, spelling order by valid_from_date
        ) as valid_to_date
    from rulebook.measurement_unit
),

harmonised as (
    select
        read.*,
        unit.unit as harmonised_unit,
        unit.lowest_value,
        unit.highest_value,
        -- In doubles: exact decimals of this width overflow, and a result has five digits at most.
        try_cast(
            cast(read.sent_value as double) * cast(unit.factor as double)
            + cast(unit.shift as double) as decimal(18, 4)
        ) as value
    from read
    left join unit
        on
            read.test_code = unit.test_code
            and read.spelling = unit.spelling
            and read.measured_date >= unit.valid_from_date
            and read.measured_date < unit.valid_to_date
),

final as (
    select
        harmonised.measurement_id,
        coalesce(person_alias.person_id, harmonised.person_id) as person_id,
        harmonised.encounter_id,
        harmonised.site_id,
        harmonised.measured_at,
        harmonised.measured_date,
        cast(date_trunc('month', harmonised.measured_date) as date) as measurement_month,
        harmonised.test_code,
        harmonised.value_text,
        harmonised.unit as sent_unit,
        harmonised.status_code,
        harmonised.comparator,
        case
            when harmonised.value between harmonised.lowest_value and harmonised.highest_value
                then harmonised.value
        end as value,
        harmonised.harmonised_unit as unit,
        case
            when harmonised.is_missing then 'missing'
            when harmonised.sent_value is null then 'not_a_number'
            when harmonised.harmonised_unit is null then 'unknown_unit'
            when
                not coalesce(
                    harmonised.value between harmonised.lowest_value and harmonised.highest_value,
                    false
                )
                then 'implausible'
            else 'harmonised'
        end as value_state,
        harmonised.delivery_sequence,
        harmonised.record_number
    from harmonised
    left join core.person_alias as person_alias
        on harmonised.person_id = person_alias.alias_person_id
)

select
    measurement_id,
    person_id,
    encounter_id,
    site_id,
    measured_at,
    measured_date,
    measurement_month,
    test_code,
    value_text,
    sent_unit,
    status_code,
    comparator,
    value,
    unit,
    value_state,
    delivery_sequence,
    record_number
from final
