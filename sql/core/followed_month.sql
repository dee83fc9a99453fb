-- grain: One row per measure that programmes follow, month, site and municipality.
-- key: [followed_code, measured_month, site_id, municipality_code]
-- may_be_empty: the sources may not have begun to send
with
channel as (
    select
        week.figure_code as followed_code,
        cast(date_trunc('month', week.week_start_date) as date) as measured_month,
        week.site_id,
        site_month.municipality_code,
        week.part as numerator,
        week.whole as denominator
    from core.channel_week as week
    left join core.site_month as site_month
        on
            week.site_id = site_month.site_id
            and cast(date_trunc('month', week.week_start_date) as date) = site_month.calendar_month
),

t3 as (
    select
        measure.followed_code,
        cast(date_trunc('month', measured.measured_date) as date) as measured_month,
        measured.site_id,
        site_month.municipality_code,
        case
            when measure.is_named then measured.with_named_days else measured.without_named_days
        end as numerator,
        1 as denominator
    from current.third_next_available as measured
    inner join rulebook.followed_t3 as measure
        on measured.profession_code = measure.profession_code
    left join core.site_month as site_month
        on
            measured.site_id = site_month.site_id
            and cast(date_trunc('month', measured.measured_date) as date)
            = site_month.calendar_month
),

-- Of units whose waits are fit to be told.
known_wait as (
    select
        visit_month as measured_month,
        site_id,
        municipality_code,
        profession_code,
        wait_class_code,
        visit_count
    from mart.wait_by_unit
    where clock_code = 'assessment' and wait_class_code <> 'unknown' and not is_unfit
),

wait as (
    select
        'access_7_days' as followed_code,
        measured_month,
        site_id,
        municipality_code,
        case when wait_class_code = '0-7' then visit_count else 0 end as numerator,
        visit_count as denominator
    from known_wait
    union all
    select
        'doctor_waits_over_90' as followed_code,
        measured_month,
        site_id,
        municipality_code,
        case when wait_class_code = 'over_90' then visit_count else 0 end as numerator,
        visit_count as denominator
    from known_wait
    where profession_code = '2221'
),

-- A count has no denominator: it is a count of one month.
coverage as (
    select
        measure.followed_code,
        guarantee.visit_month as measured_month,
        guarantee.site_id,
        guarantee.municipality_code,
        case measure.followed_code
            when 'visits' then guarantee.visit_count
            when 'waits_known' then guarantee.assessment_known_count
            else guarantee.contact_known_count
        end as numerator,
        null as denominator
    from mart.care_guarantee as guarantee
    inner join rulebook.followed_measure as measure
        on measure.followed_code in ('visits', 'waits_known', 'waits_known_by_contact')
    where not guarantee.is_unfit
),

-- Of contacts with clients, by telephone or in real time at a distance.
remote as (
    select
        'video_visits_and_calls' as followed_code,
        visits.encounter_month as measured_month,
        visits.site_id,
        site_month.municipality_code,
        case
            when visits.contact_type_code in ('R50', 'R52') then visits.encounter_count else 0
        end as numerator,
        visits.encounter_count as denominator
    from mart.visits_by_profession as visits
    left join core.site_month as site_month
        on
            visits.site_id = site_month.site_id
            and visits.encounter_month = site_month.calendar_month
    where visits.contact_type_code <= 'R56'
),

-- A client counts once a month.
guided as (
    select
        person_id,
        contact_month,
        max(case when has_third_sector_referral then 1 else 0 end) as is_guided
    from core.guidance_contact
    group by person_id, contact_month
),

-- Heavy users whose care began to be coordinated, of whom three months after are known.
coordinated as (
    select
        contact.person_id,
        min(contact.contacted_date) as coordinated_date
    from core.guidance_contact as contact
    inner join core.client_quarter as quarter
        on
            contact.person_id = quarter.person_id
            and cast(date_trunc('quarter', contact.contact_month) as date)
            = quarter.quarter_start_date
    where contact.contact_topic_code = 'coordination' and quarter.is_heavy_user
    group by contact.person_id
),

followed_up as (
    select
        coordinated.person_id,
        coordinated.coordinated_date
    from coordinated
    cross join core.reached as reached
    where coordinated.coordinated_date + interval 3 month <= reached.reached_date
),

visited as (
    select
        followed_up.person_id,
        count(
            case when encounter.encounter_date < followed_up.coordinated_date then 1 end
        ) as before_count,
        count(
            case when encounter.encounter_date >= followed_up.coordinated_date then 1 end
        ) as after_count
    from followed_up
    inner join core.encounter as encounter on followed_up.person_id = encounter.person_id
    where
        encounter.encounter_date >= followed_up.coordinated_date - interval 3 month
        and encounter.encounter_date < followed_up.coordinated_date + interval 3 month
    group by followed_up.person_id
),

around as (
    select
        cast(date_trunc('month', followed_up.coordinated_date) as date) as coordinated_month,
        coalesce(visited.before_count, 0) as before_count,
        coalesce(visited.after_count, 0) as after_count
    from followed_up
    left join visited on followed_up.person_id = visited.person_id
),

of_region as (
    select
        'guided_to_third_sector' as followed_code,
        contact_month as measured_month,
        is_guided as numerator,
        1 as denominator
    from guided
    union all
    select
        'visits_before_coordination' as followed_code,
        coordinated_month as measured_month,
        before_count as numerator,
        1 as denominator
    from around
    union all
    select
        'visits_after_coordination' as followed_code,
        coordinated_month as measured_month,
        after_count as numerator,
        1 as denominator
    from around
    union all
    select
        'social_guidance_in_7_weekdays' as followed_code,
        contact_month as measured_month,
        assessed_in_7_weekdays_count as numerator,
        contact_count as denominator
    from mart.social_guarantee
    where service_class_code = 'social_guidance'
    union all
    select
        'specialised_to_primary_mental_cost' as followed_code,
        cost_month as measured_month,
        case when package_class_code = 'P13' then cost_eur else 0 end as numerator,
        case when package_class_code = 'P04' then cost_eur else 0 end as denominator
    from core.resident_cost
    where package_class_code in ('P04', 'P13')
    union all
    -- An indicator of one's own, of all providers together, by the period's first month.
    select
        value.indicator_id as followed_code,
        value.period_start_date as measured_month,
        value.numerator,
        value.denominator
    from mart.indicator_value as value
    left join rulebook.followed_measure as measure on value.indicator_id = measure.followed_code
    where value.state_code = 'measured' and measure.followed_code is null
),

counted as (
    select * from channel
    union all
    select *
    from t3
    where numerator is not null
    union all
    select * from wait
    union all
    select * from coverage
    union all
    select * from remote
    union all
    select
        followed_code,
        measured_month,
        cast(null as varchar) as site_id,
        cast(null as varchar) as municipality_code,
        numerator,
        denominator
    from of_region
),

final as (
    select
        followed_code,
        measured_month,
        site_id,
        municipality_code,
        cast(sum(numerator) as decimal(18, 2)) as numerator,
        cast(sum(denominator) as decimal(18, 2)) as denominator
    from counted
    group by followed_code, measured_month, site_id, municipality_code
)

select
    followed_code,
    measured_month,
    site_id,
    municipality_code,
    numerator,
    denominator
from final
