-- grain: One row per provider and period.
-- key: [provider_id, period_start_date]
-- may_be_empty: the source may not have begun to send
with
choice as (
    select
        enrolment.person_id,
        enrolment.provider_id,
        enrolment.valid_from_date,
        enrolment.valid_to_date,
        later.provider_id as later_provider_id
    from core.enrolment as enrolment
    left join core.enrolment as later
        on
            enrolment.person_id = later.person_id
            and enrolment.service_code = later.service_code
            and enrolment.valid_to_date = later.valid_from_date
            and enrolment.provider_id <> later.provider_id
            and later.known_to_seq is null
    where
        enrolment.known_to_seq is null
        and enrolment.service_code = 'reception'
        -- A protected person's provider is not known: they belong to no provider's figures.
        and enrolment.provider_id is not null
),

client as (
    select
        choice.provider_id,
        period.period_start_date,
        choice.person_id,
        bool_or(
            coalesce(
                choice.later_provider_id is not null
                and choice.valid_to_date >= period.period_start_date
                and choice.valid_to_date <= period.period_end_date,
                false
            )
        ) as is_away
    from choice
    inner join core.indicator_period as period
        on
            choice.valid_from_date <= period.period_end_date
            and (
                choice.valid_to_date is null
                -- Who leaves on the first day of a period was on the list until then.
                or choice.valid_to_date >= period.period_start_date
            )
    group by choice.provider_id, period.period_start_date, choice.person_id
),

final as (
    select
        provider_id,
        period_start_date,
        count(case when is_away then 1 end) as numerator,
        count(*) as denominator
    from client
    group by provider_id, period_start_date
)

select
    provider_id,
    period_start_date,
    numerator,
    denominator
from final
