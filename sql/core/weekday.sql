-- grain: One row per calendar day from 2000 to a year beyond what is reached.
-- key: [calendar_date]
with
reached as (
    select max(covers_to_date) as reached_date
    from effective.delivery
),

day as (
    select
        cast(
            unnest(
                generate_series(
                    date '2000-01-01',
                    cast(reached.reached_date + interval 12 month as date),
                    interval 1 day
                )
            ) as date
        ) as calendar_date
    from reached
),

calendar_year as (
    select distinct
        year(calendar_date) as calendar_year,
        year(calendar_date) % 19 as moon_year,
        (19 * (year(calendar_date) % 19) + 24) % 30 as full_moon_days
    from day
),

-- Easter Sunday by Gauss's rule, which holds from 1900 to 2099.
sunday as (
    select
        calendar_year,
        moon_year,
        full_moon_days,
        (2 * (calendar_year % 4) + 4 * (calendar_year % 7) + 6 * full_moon_days + 5) % 7
            as sunday_days
    from calendar_year
),

easter as (
    select
        calendar_year,
        make_date(calendar_year, 3, 22) + cast(
            full_moon_days + sunday_days
            - case
                when full_moon_days = 29 and sunday_days = 6 then 7
                when full_moon_days = 28 and sunday_days = 6 and moon_year > 10 then 7
                else 0
            end as integer
        ) as easter_date
    from sunday
),

holiday as (
    select distinct
        case rule.basis_code
            when 'easter' then easter.easter_date + rule.easter_days
            else
                make_date(
                    easter.calendar_year,
                    greatest(rule.month_number, 1),
                    greatest(rule.day_number, 1)
                )
        end as holiday_date
    from easter
    cross join rulebook.public_holiday as rule
),

judged as (
    select
        day.calendar_date,
        holiday.holiday_date is not null as is_public_holiday,
        -- Monday is 1 in every engine that counts so: days since a Monday, by sevens.
        holiday.holiday_date is null
        and date_diff('day', date '1999-12-27', day.calendar_date) % 7 < 5 as is_weekday
    from day
    left join holiday on day.calendar_date = holiday.holiday_date
),

final as (
    select
        calendar_date,
        is_public_holiday,
        is_weekday,
        cast(
            sum(case when is_weekday then 1 else 0 end) over (
                order by calendar_date rows between unbounded preceding and current row
            ) as integer
        ) as weekday_number
    from judged
)

select
    calendar_date,
    is_public_holiday,
    is_weekday,
    weekday_number
from final
