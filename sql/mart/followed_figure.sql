-- grain: One row per baseline, goal or figure published of a measure and unit, and its days.
-- key: [followed_code, unit_id, figure_kind_code, from_date]
-- purpose: knowledge management
with
-- An indicator of one's own is a measure too, as its providers together have it.
measure as (
    select
        followed_code,
        unit_code,
        multiplier,
        direction_code,
        counted_from
    from rulebook.followed_measure
    union all
    select
        indicator.indicator_id as followed_code,
        indicator.unit_code,
        indicator.multiplier,
        indicator.direction_code,
        'mart.indicator_value' as counted_from
    from rulebook.indicator as indicator
    left join rulebook.followed_measure as stated
        on indicator.indicator_id = stated.followed_code
    where stated.followed_code is null
),

figure as (
    select
        followed_code,
        unit_id,
        figure_kind_code,
        form_code,
        cast(nullif(printed_value, 'none') as decimal(18, 4)) as printed_value,
        from_date,
        to_date
    from rulebook.published_figure
    union all
    select
        indicator_id as followed_code,
        'all' as unit_id,
        kind_code as figure_kind_code,
        'value' as form_code,
        value as printed_value,
        from_date,
        to_date
    from rulebook.indicator_published
),

-- A baseline and what was published are held against their own days, a goal against the newest
-- three months.
spanned as (
    select
        figure.*,
        measure.unit_code,
        measure.multiplier,
        measure.direction_code,
        measure.counted_from,
        case
            when figure.figure_kind_code <> 'goal' then figure.from_date
            else
                cast(
                    date_trunc('month', reached.reached_date + 1) - interval 3 month as date
                )
        end as measured_from_date,
        case
            when figure.figure_kind_code <> 'goal' then figure.to_date else reached.reached_date
        end as measured_to_date
    from figure
    cross join core.reached as reached
    left join measure on figure.followed_code = measure.followed_code
),

measured as (
    select
        spanned.followed_code,
        spanned.unit_id,
        spanned.figure_kind_code,
        spanned.from_date,
        sum(counted.numerator) as numerator,
        sum(counted.denominator) as denominator
    from spanned
    inner join core.followed_month as counted
        on
            spanned.followed_code = counted.followed_code
            and spanned.measured_from_date <= counted.measured_month
            and spanned.measured_to_date >= counted.measured_month
    where spanned.unit_id in ('all', counted.site_id, counted.municipality_code)
    group by
        spanned.followed_code, spanned.unit_id, spanned.figure_kind_code, spanned.from_date
),

valued as (
    select
        spanned.*,
        cast(
            case
                when spanned.unit_code = 'count' then measured.numerator
                else
                    round(
                        spanned.multiplier * cast(measured.numerator as double)
                        / nullif(cast(measured.denominator as double), 0),
                        4
                    )
            end as decimal(18, 4)
        ) as measured_value
    from spanned
    left join measured
        on
            spanned.followed_code = measured.followed_code
            and spanned.unit_id = measured.unit_id
            and spanned.figure_kind_code = measured.figure_kind_code
            and spanned.from_date = measured.from_date
),

final as (
    select
        followed_code,
        unit_id,
        figure_kind_code,
        from_date,
        to_date,
        form_code,
        unit_code,
        direction_code,
        printed_value,
        case when measured_value is not null then measured_from_date end as measured_from_date,
        case when measured_value is not null then measured_to_date end as measured_to_date,
        measured_value,
        case
            when measured_value is not null then 'measured'
            when counted_from = 'none' then 'not_measured'
            else 'not_in_lake'
        end as measured_state_code,
        case
            when figure_kind_code = 'goal' and form_code = 'value'
                then
                    case
                        when direction_code = 'up' then measured_value >= printed_value
                        else measured_value <= printed_value
                    end
        end as is_reached
    from valued
)

select
    followed_code,
    unit_id,
    figure_kind_code,
    from_date,
    to_date,
    form_code,
    unit_code,
    direction_code,
    printed_value,
    measured_from_date,
    measured_to_date,
    measured_value,
    measured_state_code,
    is_reached
from final
