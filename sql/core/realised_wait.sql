-- grain: One row per month of visit, site, service, profession, class of both waits, and verdict.
-- key:
--   - visit_month
--   - site_id
--   - service_code
--   - profession_code
--   - assessment_wait_code
--   - contact_wait_code
--   - limit_id
--   - verdict_code
-- partition: visit_month
-- may_be_empty: the source may not have begun to send
-- touched:
--   - >-
--     select cast(date_trunc('month', civil_date(access_event.visited_at)) as date)
--     from core.access_event as access_event cross join changed.access_limit
--     where access_event.visited_at is not null
--   - >-
--     select cast(date_trunc('month', civil_date(access_event.visited_at)) as date)
--     from core.access_event as access_event
--     where access_event.visited_at is not null and access_event.person_id in (
--     select person.person_id from changed.person as person group by person.person_id
--     having count(*) = 1 or count(distinct person.birth_date) > 1)
--   - >-
--     select cast(date_trunc('month', civil_date(access_events.visited_at)) as date)
--     from staging.access_events as access_events
--     inner join changed.person_alias as person_alias
--     on access_events.person_id = person_alias.alias_person_id
--     where access_events.visited_at is not null
--   - >-
--     select cast(date_trunc('month', civil_date(visited_at)) as date)
--     from changed.access_events where visited_at is not null
with
-- One set of classes for all months, so that they compare: the newest.
wait_class as (
    select
        wait_class_code,
        from_days,
        below_days
    from rulebook.wait_class
    where valid_from_date = (select max(newest.valid_from_date) from rulebook.wait_class as newest)
),

longest as (
    select max(from_days) as longest_days
    from wait_class
),

-- Every day of wait up to the last class, so that classes are found by equality.
class_day as (
    select
        wait_class.wait_class_code,
        unnest(
            generate_series(
                wait_class.from_days, least(wait_class.below_days - 1, longest.longest_days)
            )
        ) as wait_days
    from wait_class
    cross join longest
),

visited as (
    select
        access_event.person_id,
        access_event.site_id,
        access_event.service_code,
        access_event.profession_code,
        access_event.reason_code,
        access_event.contacted_date,
        civil_date(access_event.assessed_at) as assessed_date,
        civil_date(access_event.visited_at) as visited_date
    from core.access_event as access_event
    where access_event.visited_at is not null
),

-- Nobody waits less than not at all: some are assessed at the visit itself.
waited as (
    select
        visited.site_id,
        visited.service_code,
        visited.profession_code,
        visited.reason_code,
        visited.assessed_date,
        visited.visited_date,
        cast(date_trunc('month', visited.visited_date) as date) as visit_month,
        case
            when visited.assessed_date is not null
                then
                    least(
                        greatest(date_diff('day', visited.assessed_date, visited.visited_date), 0),
                        longest.longest_days
                    )
        end as assessment_wait_days,
        case
            when visited.contacted_date is not null
                then
                    least(
                        greatest(date_diff('day', visited.contacted_date, visited.visited_date), 0),
                        longest.longest_days
                    )
        end as contact_wait_days,
        -- Completed years on the day of the assessment; limits turn on birthdays.
        age_years(person.birth_date, visited.assessed_date) as age_years
    from visited
    cross join longest
    -- A visit of somebody the register does not list counts; no limit that hangs on age fits it.
    left join core.person as person on visited.person_id = person.person_id
),

-- Few cases for many visits: what limit holds hangs on these four alone.
limit_case as (
    select distinct
        service_code,
        profession_code,
        assessed_date,
        age_years
    from waited
    where assessed_date is not null
),

candidate as (
    select
        limit_case.service_code,
        limit_case.profession_code,
        limit_case.assessed_date,
        limit_case.age_years,
        access_limit.limit_id,
        case access_limit.limit_unit_code
            when 'day' then limit_case.assessed_date + access_limit.limit_count
            when 'week' then limit_case.assessed_date + 7 * access_limit.limit_count
            when 'month'
                then
                    cast(limit_case.assessed_date + to_months(access_limit.limit_count) as date)
        end as last_date
    from limit_case
    inner join rulebook.access_service as access_service
        on limit_case.service_code = access_service.service_code
    inner join core.access_limit as access_limit
        on
            access_service.guarantee_code = access_limit.guarantee_code
            and access_service.reason_code = access_limit.reason_code
    where
        access_service.profession_code in ('any', limit_case.profession_code)
        and access_limit.clock_from_code = 'assessment'
        and access_limit.clock_to_code = 'care'
        and limit_case.assessed_date >= access_limit.valid_from_date
        and (
            access_limit.valid_to_date is null
            or limit_case.assessed_date < access_limit.valid_to_date
        )
        and coalesce(limit_case.age_years, 0) >= access_limit.from_age_years
        and (
            access_limit.to_age_years is null
            or limit_case.age_years < access_limit.to_age_years
        )
        and (limit_case.age_years is not null or access_limit.from_age_years = 0)
),

-- Where several limits hold, the shortest.
limit_of_case as (
    select *
    from candidate
    qualify row_number() over (
        partition by service_code, profession_code, assessed_date, age_years
        order by last_date, limit_id
    ) = 1
),

judged as (
    select
        waited.visit_month,
        waited.visited_date,
        waited.site_id,
        waited.service_code,
        waited.profession_code,
        waited.assessment_wait_days,
        waited.contact_wait_days,
        limit_of_case.limit_id,
        case
            when limit_of_case.last_date is null then 'not_judged'
            when waited.visited_date <= limit_of_case.last_date then 'within'
            -- Who chose a later time, or did not come, was offered an earlier one.
            when waited.reason_code in ('own_wish', 'no_show') then 'own_choice'
            else 'exceeded'
        end as verdict_code
    from waited
    left join limit_of_case
        on
            waited.service_code = limit_of_case.service_code
            and waited.profession_code = limit_of_case.profession_code
            and waited.assessed_date = limit_of_case.assessed_date
            and coalesce(waited.age_years, -1) = coalesce(limit_of_case.age_years, -1)
),

counted as (
    select
        visit_month,
        site_id,
        service_code,
        profession_code,
        assessment_wait_days,
        contact_wait_days,
        limit_id,
        verdict_code,
        count(*) as visit_count
    from judged
    group by
        visit_month,
        site_id,
        service_code,
        profession_code,
        assessment_wait_days,
        contact_wait_days,
        limit_id,
        verdict_code
),

final as (
    select
        counted.visit_month,
        counted.site_id,
        counted.service_code,
        counted.profession_code,
        coalesce(by_assessment.wait_class_code, 'unknown') as assessment_wait_code,
        coalesce(by_contact.wait_class_code, 'unknown') as contact_wait_code,
        counted.limit_id,
        counted.verdict_code,
        cast(sum(counted.visit_count) as bigint) as visit_count
    from counted
    left join class_day as by_assessment
        on counted.assessment_wait_days = by_assessment.wait_days
    left join class_day as by_contact
        on counted.contact_wait_days = by_contact.wait_days
    group by
        counted.visit_month,
        counted.site_id,
        counted.service_code,
        counted.profession_code,
        coalesce(by_assessment.wait_class_code, 'unknown'),
        coalesce(by_contact.wait_class_code, 'unknown'),
        counted.limit_id,
        counted.verdict_code
)

select
    visit_month,
    site_id,
    service_code,
    profession_code,
    assessment_wait_code,
    contact_wait_code,
    limit_id,
    verdict_code,
    visit_count
from final
