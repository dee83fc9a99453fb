-- What share of a year's cost is of the tenth of people with most?
with
spent as (
    select
        year(cost_month) as calendar_year,
        person_id,
        sum(cost_eur) as cost_eur
    from core.cost
    where person_id is not null
    group by calendar_year, person_id
),

ranked as (
    select
        calendar_year,
        cost_eur,
        ntile(10) over (partition by calendar_year order by cost_eur desc) as tenth
    from spent
)

select
    calendar_year,
    count(*) as person_count,
    cast(sum(cost_eur) as decimal(18, 2)) as cost_eur,
    cast(sum(case when tenth = 1 then cost_eur else 0 end) as decimal(18, 2)) as top_tenth_eur,
    round(
        100.0 * sum(case when tenth = 1 then cost_eur else 0 end) / nullif(sum(cost_eur), 0), 1
    ) as top_tenth_pct
from ranked
group by calendar_year
