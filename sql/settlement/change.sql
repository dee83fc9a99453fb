-- What is known now of closed months less what was settled, by person and cell, with the reason.
with
now_known as (
    select
        list_month,
        person_id,
        provider_id,
        site_id,
        age_from,
        sex_code,
        municipality_code,
        is_shadow,
        sum(person_days) as person_days
    from settle.listed
    where
        list_month < $list_month
        and status_code = 'paid'
        and person_id in (
            select touched.person_id
            from settle.touched as touched
            where touched.touched_code <> 'act'
        )
    group by all
),

both_known as (
    select
        *,
        person_days as days_now,
        0 as days_then
    from now_known
    union all
    select
        list_month,
        person_id,
        provider_id,
        site_id,
        age_from,
        sex_code,
        municipality_code,
        is_shadow,
        -person_days as person_days,
        0 as days_now,
        person_days as days_then
    from settle.settled
),

difference as (
    select
        list_month,
        person_id,
        provider_id,
        site_id,
        age_from,
        sex_code,
        municipality_code,
        is_shadow,
        cast(sum(person_days) as bigint) as person_days
    from both_known
    group by
        list_month,
        person_id,
        provider_id,
        site_id,
        age_from,
        sex_code,
        municipality_code,
        is_shadow
    having sum(person_days) <> 0
),

-- Before and after, by person: the shadow list apart, for who leaves it joins another.
person_total as (
    select
        list_month,
        person_id,
        sum(case when is_shadow then 0 else days_now end) as days_now,
        sum(case when is_shadow then 0 else days_then end) as days_then,
        sum(person_days) as person_days
    from both_known
    group by list_month, person_id
),

withdrawn_person as (
    select distinct person_id
    from settle.withdrawn_person
),

final as (
    select
        difference.*,
        case
            when withdrawn.person_id is not null then 'withdrawn_delivery'
            when
                person_total.person_days < 0
                and person.death_date < difference.list_month + interval 1 month
                then 'death'
            when choice.person_id is not null and person_total.days_now > person_total.days_then
                then 'late_enrolment'
            when choice.person_id is not null and person_total.days_now < person_total.days_then
                then 'late_end'
            when choice.person_id is not null then 'corrected_choice'
            when stay.person_id is not null then 'move'
            else 'register_correction'
        end as reason_code
    from difference
    inner join person_total
        on
            difference.list_month = person_total.list_month
            and difference.person_id = person_total.person_id
    left join core.person as person on difference.person_id = person.person_id
    left join withdrawn_person as withdrawn
        on difference.person_id = withdrawn.person_id
    left join settle.touched as choice
        on difference.person_id = choice.person_id and choice.touched_code = 'choice'
    left join settle.touched as stay
        on difference.person_id = stay.person_id and stay.touched_code = 'stay'
)

select
    list_month,
    reason_code,
    person_id,
    provider_id,
    site_id,
    age_from,
    sex_code,
    municipality_code,
    is_shadow,
    person_days
from final
