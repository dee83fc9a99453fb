-- grain: One row per edition of the projection, municipality of the area, year, age and sex.
-- key: [edition_date, municipality_code, projected_year, age_years, sex_code]
-- may_be_empty: no projection may have been delivered
with
edition as (
    select
        delivery_sequence,
        covers_to_date as edition_date
    from effective.delivery
    where source = 'statfin' and table_name = 'population_projection'
),

area as (
    select
        municipality_code,
        name_fi
    from core.municipality
    where is_trial_area
),

by_age as (
    select
        edition.edition_date,
        area.municipality_code,
        projection.projected_year,
        -- "100 -" is 100 years and over; the row "Yhteensä" is a total, checked against these.
        cast(replace(projection.age_label, ' -', '') as integer) as age_years,
        projection.projected_male_count,
        projection.projected_female_count
    from effective.population_projection as projection
    inner join edition on projection.delivery_sequence = edition.delivery_sequence
    -- Areas that are not ours are published in the same file, and left out.
    inner join area on projection.area_name = area.name_fi
    where projection.age_label <> 'Yhteensä'
)

select
    edition_date,
    municipality_code,
    projected_year,
    age_years,
    '1' as sex_code,
    projected_male_count as projected_count
from by_age
union all
select
    edition_date,
    municipality_code,
    projected_year,
    age_years,
    '2' as sex_code,
    projected_female_count as projected_count
from by_age
