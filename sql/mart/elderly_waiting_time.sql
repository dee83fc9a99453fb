-- grain: One row per half-year and service for older people.
-- key: [half_year_start_date, service_class_code]
-- purpose: knowledge management
-- may_be_empty: the source may not have begun to send
with
reached as (
    select max(covers_to_date) as reached_date
    from effective.delivery
    where source = 'apotti' and table_name = 'social_services'
),

-- Half-years that are over: what the law asks to be published at least twice a year.
half_year as (
    select
        cast(register_month.exposure_month as date) as half_year_start_date,
        cast(register_month.exposure_month + interval 6 month as date) as next_date
    from core.register_month as register_month
    cross join reached
    where
        month(register_month.exposure_month) in (1, 7)
        and cast(register_month.exposure_month + interval 6 month as date)
        <= reached.reached_date + 1
),

matter as (
    select
        wait.service_class_code,
        wait.contacted_date,
        wait.decided_date,
        wait.started_date,
        wait.decision_code,
        wait.decision_days,
        wait.start_days,
        person.death_date
    from core.social_wait as wait
    left join core.person as person on wait.person_id = person.person_id
    where wait.client_group_code = 'elderly'
),

-- Those who waited at the half-year's end were alive, had asked for the service and neither got it
-- nor a no.
final as (
    select
        half_year.half_year_start_date,
        matter.service_class_code,
        count(
            case
                when
                    matter.decided_date >= half_year.half_year_start_date
                    and matter.decided_date < half_year.next_date
                    then 1
            end
        ) as decided_count,
        cast(
            median(
                case
                    when
                        matter.decided_date >= half_year.half_year_start_date
                        and matter.decided_date < half_year.next_date
                        then matter.decision_days
                end
            ) as decimal(9, 1)
        ) as decision_days_median,
        count(
            case
                when
                    matter.started_date >= half_year.half_year_start_date
                    and matter.started_date < half_year.next_date
                    then 1
            end
        ) as started_count,
        cast(
            median(
                case
                    when
                        matter.started_date >= half_year.half_year_start_date
                        and matter.started_date < half_year.next_date
                        then matter.start_days
                end
            ) as decimal(9, 1)
        ) as start_days_median,
        count(
            case
                when
                    matter.started_date >= half_year.half_year_start_date
                    and matter.started_date < half_year.next_date
                    and matter.start_days > 90
                    then 1
            end
        ) as started_over_90_days_count,
        count(
            case
                when
                    matter.contacted_date < half_year.next_date
                    and (matter.death_date is null or matter.death_date >= half_year.next_date)
                    and (
                        matter.started_date is null or matter.started_date >= half_year.next_date
                    )
                    and (
                        coalesce(matter.decision_code, 'granted') = 'granted'
                        or matter.decided_date >= half_year.next_date
                    )
                    then 1
            end
        ) as waiting_count
    from half_year
    cross join matter
    group by half_year.half_year_start_date, matter.service_class_code
)

select
    half_year_start_date,
    service_class_code,
    decided_count,
    decision_days_median,
    started_count,
    start_days_median,
    started_over_90_days_count,
    waiting_count
from final
where decided_count + started_count + waiting_count > 0
