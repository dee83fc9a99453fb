-- One row per person and unbroken run of months in which the register knows them.
with
month as (
    select
        person_month.person_id,
        numbered.omop_person_id,
        person_month.exposure_month,
        person_month.birth_date,
        year(person_month.exposure_month) * 12 + month(person_month.exposure_month)
        - row_number() over (
            partition by person_month.person_id order by person_month.exposure_month
        ) as run_number
    from release.person_month as person_month
    inner join omop.person_number as numbered on person_month.person_id = numbered.person_id
),

run as (
    select
        month.omop_person_id,
        greatest(min(month.exposure_month), max(month.birth_date)) as start_date,
        least(
            last_day(max(month.exposure_month)),
            coalesce(max(person.death_date), date '9999-12-31')
        ) as end_date
    from month
    inner join release.person as person on month.person_id = person.person_id
    group by month.omop_person_id, month.run_number
)

select
    row_number() over (order by omop_person_id, start_date) as observation_period_id,
    omop_person_id as person_id,
    start_date as observation_period_start_date,
    greatest(start_date, end_date) as observation_period_end_date,
    0 as period_type_concept_id
from run
