-- grain: One row per resident and quarter, with what the local need model knows on its first day.
-- key: [person_id, index_month]
-- partition: index_month
-- may_be_empty: the register may not cover the first month of a quarter yet
-- touched:
--   - >-
--     select exposure_month from changed.person_month where month(exposure_month) in (1, 4, 7, 10)
--   - >-
--     select cast(date_trunc('quarter', register_month.exposure_month) as date)
--     from core.register_month as register_month
--     inner join changed.person_month as person_month
--     on register_month.exposure_month >= person_month.exposure_month
--     and register_month.exposure_month < person_month.exposure_month + interval 27 month
--   - >-
--     select cast(date_trunc('quarter', register_month.exposure_month) as date)
--     from core.register_month as register_month
--     inner join changed.morbidity as morbidity
--     on register_month.exposure_month >= morbidity.diagnosis_quarter
--     and register_month.exposure_month < morbidity.diagnosis_quarter + interval 27 month
with
resident as (
    select
        person_month.person_id,
        person_month.exposure_month as index_month,
        person_month.sex_code,
        age_years(person_month.birth_date, person_month.exposure_month) as age_years
    from core.person_month as person_month
    where month(person_month.exposure_month) in (1, 4, 7, 10)
),

-- Two years of history, or all there is while the register covers less.
index_month as (
    select
        quarter.exposure_month as index_month,
        greatest(
            min(covered.exposure_month),
            cast(quarter.exposure_month - interval 24 month as date)
        ) as history_from_date
    from core.register_month as quarter
    cross join core.register_month as covered
    where month(quarter.exposure_month) in (1, 4, 7, 10)
    group by quarter.exposure_month
),

lived as (
    select
        residence.person_id,
        index_month.index_month,
        index_month.history_from_date,
        sum(
            date_diff(
                'day',
                greatest(residence.valid_from_date, index_month.history_from_date),
                least(
                    coalesce(residence.valid_to_date, index_month.index_month),
                    index_month.index_month
                )
            )
        ) as resident_days
    from core.residence as residence
    inner join index_month
        on
            residence.valid_from_date < index_month.index_month
            and (
                residence.valid_to_date is null
                or residence.valid_to_date > index_month.history_from_date
            )
    left join core.municipality as municipality
        on residence.municipality_code = municipality.municipality_code
    where
        residence.known_to_seq is null
        and (residence.municipality_code is null or municipality.is_trial_area)
    group by residence.person_id, index_month.index_month, index_month.history_from_date
),

-- Every group is a bit: millions of rows are joined as numbers, and few numbers become texts.
bit as (
    select
        morbidity_group_code,
        cast(
            power(2, row_number() over (order by morbidity_group_code) - 1) as bigint
        ) as bit_value
    from rulebook.morbidity_group
    group by morbidity_group_code
),

ill_quarter as (
    select
        morbidity.person_id,
        morbidity.diagnosis_quarter,
        bit_or(bit.bit_value) as bits
    from core.morbidity as morbidity
    inner join bit on morbidity.morbidity_group_code = bit.morbidity_group_code
    group by morbidity.person_id, morbidity.diagnosis_quarter
),

ill as (
    select
        ill_quarter.person_id,
        index_month.index_month,
        bit_or(ill_quarter.bits) as bits
    from ill_quarter
    inner join index_month
        on
            ill_quarter.diagnosis_quarter < index_month.index_month
            and ill_quarter.diagnosis_quarter >= index_month.index_month - interval 24 month
    group by ill_quarter.person_id, index_month.index_month
),

distinct_bits as (
    select distinct bits
    from ill
),

told as (
    select
        distinct_bits.bits,
        string_agg(bit.morbidity_group_code, ',' order by bit.morbidity_group_code)
            as morbidity_codes
    from distinct_bits
    inner join bit on (distinct_bits.bits // bit.bit_value) % 2 = 1
    group by distinct_bits.bits
),

final as (
    select
        resident.person_id,
        resident.index_month,
        resident.sex_code || ':' || case
            when resident.age_years < 7 then '00-06'
            when resident.age_years < 18 then '07-17'
            when resident.age_years < 30 then '18-29'
            when resident.age_years < 45 then '30-44'
            when resident.age_years < 55 then '45-54'
            when resident.age_years < 65 then '55-64'
            when resident.age_years < 75 then '65-74'
            when resident.age_years < 85 then '75-84'
            else '85-'
        end as age_sex_code,
        coalesce(told.morbidity_codes, '') as morbidity_codes,
        -- A year lived in the area, under whichever provider, or all of the time there is.
        coalesce(lived.resident_days, 0)
        >= least(
            365, date_diff('day', index_month.history_from_date, resident.index_month)
        ) as has_history
    from resident
    inner join index_month on resident.index_month = index_month.index_month
    left join lived
        on resident.person_id = lived.person_id and resident.index_month = lived.index_month
    left join ill
        on resident.person_id = ill.person_id and resident.index_month = ill.index_month
    left join told on ill.bits = told.bits
)

select
    person_id,
    index_month,
    age_sex_code,
    morbidity_codes,
    has_history
from final
