-- grain: One row per published table of waits, unit and class of wait, totals included.
-- key: [publication_code, unit_id, wait_class_code]
-- purpose: knowledge management
with
printed as (
    select
        cell.publication_code,
        publication.from_date,
        publication.to_date,
        cell.unit_id,
        cell.wait_class_code,
        cell.printed_count,
        publication.municipality_code,
        publication.guarantee_code,
        publication.profession_code,
        publication.clock_code
    from rulebook.published_wait as cell
    inner join rulebook.wait_publication as publication
        on cell.publication_code = publication.publication_code
),

unit as (
    select distinct
        publication_code,
        from_date,
        to_date,
        unit_id,
        municipality_code,
        guarantee_code,
        profession_code,
        clock_code
    from printed
),

guaranteed as (
    select distinct
        guarantee_code,
        service_code
    from rulebook.access_service
),

-- What the lake has of the same units, services, professions and months.
computed_class as (
    select
        unit.publication_code,
        unit.unit_id,
        wait.wait_class_code,
        sum(wait.visit_count) as visit_count
    from unit
    inner join mart.wait_by_unit as wait
        on unit.clock_code = wait.clock_code and unit.municipality_code = wait.municipality_code
    inner join guaranteed
        on
            unit.guarantee_code = guaranteed.guarantee_code
            and wait.service_code = guaranteed.service_code
    where
        wait.visit_month >= unit.from_date
        and wait.visit_month <= unit.to_date
        and unit.unit_id in ('all', wait.site_id)
        and unit.profession_code in ('any', wait.profession_code)
        and wait.wait_class_code <> 'unknown'
    group by unit.publication_code, unit.unit_id, wait.wait_class_code
),

computed as (
    select
        publication_code,
        unit_id,
        wait_class_code,
        visit_count
    from computed_class
    union all
    select
        publication_code,
        unit_id,
        'all' as wait_class_code,
        sum(visit_count) as visit_count
    from computed_class
    group by publication_code, unit_id
),

known as (
    select distinct
        publication_code,
        unit_id
    from computed
),

-- What the print itself adds up to: a total over the units where units are printed, else over
-- the classes of the unit.
over_units as (
    select
        publication_code,
        wait_class_code,
        sum(printed_count) as summed_count
    from printed
    where unit_id <> 'all'
    group by publication_code, wait_class_code
),

over_classes as (
    select
        publication_code,
        unit_id,
        sum(printed_count) as summed_count
    from printed
    where wait_class_code <> 'all'
    group by publication_code, unit_id
),

final as (
    select
        printed.publication_code,
        printed.unit_id,
        printed.wait_class_code,
        printed.printed_count,
        -- None of a unit's visits are in the lake: nothing to hold it against, which is no nought.
        cast(
            case when known.unit_id is not null then coalesce(computed.visit_count, 0) end as bigint
        ) as computed_count,
        cast(
            case
                when printed.unit_id = 'all' and over_units.summed_count is not null
                    then over_units.summed_count
                when printed.wait_class_code = 'all' then over_classes.summed_count
            end as bigint
        ) as summed_count
    from printed
    left join known
        on
            printed.publication_code = known.publication_code
            and printed.unit_id = known.unit_id
    left join computed
        on
            printed.publication_code = computed.publication_code
            and printed.unit_id = computed.unit_id
            and printed.wait_class_code = computed.wait_class_code
    left join over_units
        on
            printed.publication_code = over_units.publication_code
            and printed.wait_class_code = over_units.wait_class_code
    left join over_classes
        on
            printed.publication_code = over_classes.publication_code
            and printed.unit_id = over_classes.unit_id
)

select
    publication_code,
    unit_id,
    wait_class_code,
    printed_count,
    computed_count,
    summed_count,
    coalesce(computed_count <> printed_count, false)
    or coalesce(summed_count <> printed_count, false) as is_flagged
from final
