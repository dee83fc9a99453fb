-- grain: One row per enrolment with a provider, and span of portal deliveries that state it so.
-- key: [enrolment_id, known_from_seq]
-- may_be_empty: choice may not have begun
with
site as (
    select distinct site_id
    from core.site
),

version as (
    select
        enrolments.enrolment_id,
        coalesce(person_alias.person_id, enrolments.person_id) as person_id,
        enrolments.service_code,
        enrolments.provider_id,
        enrolments.site_id,
        enrolments.start_date,
        enrolments.end_date,
        enrolments.channel_code,
        enrolments.updated_at,
        enrolments.delivery_sequence,
        enrolments.record_number
    from effective.enrolments as enrolments
    left join core.person_alias as person_alias
        on enrolments.person_id = person_alias.alias_person_id
    left join site on enrolments.site_id = site.site_id
    -- A choice of a site nobody knows waits in core.unresolved.
    where enrolments.site_id is null or site.site_id is not null
),

-- A version older by its own update time than one that came before it never becomes known.
newest_yet as (
    select *
    from version
    qualify updated_at >= max(updated_at) over (
        partition by enrolment_id
        order by delivery_sequence
        rows between unbounded preceding and current row
    )
),

spanned as (
    select
        *,
        lead(delivery_sequence) over (partition by enrolment_id order by delivery_sequence)
            as next_sequence
    from newest_yet
),

-- A version speaks when it comes and when another takes its place, perhaps for another client.
moment as (
    select
        person_id,
        service_code,
        delivery_sequence as known_seq
    from spanned
    union
    select
        person_id,
        service_code,
        next_sequence as known_seq
    from spanned
    where next_sequence is not null
),

-- What was known of a person's choices after each delivery that says something of them. A client
-- is enrolled with one provider per service: a later choice ends the earlier one.
known as (
    select
        spanned.*,
        moment.known_seq,
        lead(spanned.start_date) over choices as next_start_date,
        lag(spanned.start_date) over choices as prior_start_date
    from spanned
    inner join moment
        on
            spanned.person_id = moment.person_id
            and spanned.service_code = moment.service_code
            and spanned.delivery_sequence <= moment.known_seq
            and (spanned.next_sequence is null or spanned.next_sequence > moment.known_seq)
    window choices as (
        partition by spanned.person_id, spanned.service_code, moment.known_seq
        order by spanned.start_date, spanned.updated_at, spanned.enrolment_id
    )
),

timeline as (
    select
        enrolment_id,
        person_id,
        service_code,
        provider_id,
        site_id,
        channel_code,
        start_date as valid_from_date,
        least(end_date, next_start_date) as valid_to_date,
        coalesce(next_start_date <= end_date, next_start_date is not null) as is_ended_by_next,
        -- The trial's rule: a choice may be changed every six months. Reported, not undone.
        coalesce(start_date < prior_start_date + interval 6 month, false) as is_early_change,
        known_seq
    from known
),

next_moment as (
    select
        person_id,
        service_code,
        known_seq,
        lead(known_seq) over (partition by person_id, service_code order by known_seq)
            as next_known_seq
    from moment
),

marked as (
    select
        timeline.*,
        next_moment.next_known_seq,
        lag(next_moment.next_known_seq) over (
            partition by
                timeline.enrolment_id,
                timeline.person_id,
                timeline.service_code,
                timeline.provider_id,
                timeline.site_id,
                timeline.channel_code,
                timeline.valid_from_date,
                timeline.valid_to_date,
                timeline.is_ended_by_next,
                timeline.is_early_change
            order by timeline.known_seq
        ) as continues_from_seq
    from timeline
    inner join next_moment
        on
            timeline.person_id = next_moment.person_id
            and timeline.service_code = next_moment.service_code
            and timeline.known_seq = next_moment.known_seq
),

numbered as (
    select
        *,
        sum(case when continues_from_seq = known_seq then 0 else 1 end) over (
            partition by enrolment_id
            order by known_seq
            rows between unbounded preceding and current row
        ) as span_number
    from marked
),

final as (
    select
        enrolment_id,
        person_id,
        service_code,
        provider_id,
        site_id,
        channel_code,
        valid_from_date,
        valid_to_date,
        is_ended_by_next,
        is_early_change,
        min(known_seq) as known_from_seq,
        case when count(*) = count(next_known_seq) then max(next_known_seq) end as known_to_seq
    from numbered
    group by
        enrolment_id,
        person_id,
        service_code,
        provider_id,
        site_id,
        channel_code,
        valid_from_date,
        valid_to_date,
        is_ended_by_next,
        is_early_change,
        span_number
)

select
    enrolment_id,
    person_id,
    service_code,
    provider_id,
    site_id,
    channel_code,
    valid_from_date,
    valid_to_date,
    is_ended_by_next,
    is_early_change,
    known_from_seq,
    known_to_seq
from final
