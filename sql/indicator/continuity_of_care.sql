-- grain: One row per provider and period.
-- key: [provider_id, period_start_date]
-- partition: period_start_date
-- touched:
--   - select period_start_date from changed.indicator_period
--   - >-
--     select period.period_start_date
--     from core.indicator_period as period cross join changed.site
--   - >-
--     select period.period_start_date
--     from core.indicator_period as period
--     inner join changed.encounter as encounter
--     on encounter.encounter_month <= period.period_end_date
--     and encounter.encounter_month > period.period_end_date - interval 12 month
-- may_be_empty: the source may not have begun to send
with
-- Doctors' outpatient visits at reception; a protected person's site is not known, nor counted.
visited as (
    select
        encounter.person_id,
        encounter.site_id,
        site.provider_id,
        encounter.encounter_month,
        count(*) as visit_count
    from core.encounter as encounter
    inner join core.site as site
        on
            encounter.site_id = site.site_id
            and encounter.encounter_date >= site.valid_from_date
            and encounter.encounter_date < coalesce(site.valid_to_date, date '9999-12-31')
    where
        site.service_code = 'reception'
        and encounter.profession_code = '2221'
        and encounter.contact_type_code = 'R10'
    group by
        encounter.person_id, encounter.site_id, site.provider_id, encounter.encounter_month
),

at_site as (
    select
        period.period_start_date,
        visited.person_id,
        visited.site_id,
        visited.provider_id,
        sum(visited.visit_count) as visit_count
    from visited
    inner join core.indicator_period as period
        on
            visited.encounter_month <= period.period_end_date
            and visited.encounter_month > period.period_end_date - interval 12 month
    group by
        period.period_start_date, visited.person_id, visited.site_id, visited.provider_id
),

-- (sum of n squared - N) / (N (N - 1)), over sites (Bice and Boxerman).
client as (
    select
        period_start_date,
        person_id,
        sum(visit_count) as visit_count,
        sum(visit_count * visit_count) as square_count
    from at_site
    group by period_start_date, person_id
    having sum(visit_count) >= 3
),

-- The provider with most visits; of equals each, so that no name decides.
usual as (
    select
        at_site.period_start_date,
        at_site.person_id,
        at_site.provider_id
    from at_site
    inner join client
        on
            at_site.period_start_date = client.period_start_date
            and at_site.person_id = client.person_id
    group by at_site.period_start_date, at_site.person_id, at_site.provider_id
    qualify rank() over (
        partition by at_site.period_start_date, at_site.person_id
        order by sum(at_site.visit_count) desc
    ) = 1
),

final as (
    select
        usual.provider_id,
        client.period_start_date,
        cast(sum(
            cast(
                round(
                    cast(client.square_count - client.visit_count as double)
                    / cast(client.visit_count * (client.visit_count - 1) as double),
                    4
                ) as decimal(10, 4)
            )
        ) as decimal(18, 4)) as numerator,
        count(*) as denominator
    from client
    inner join usual
        on
            client.period_start_date = usual.period_start_date
            and client.person_id = usual.person_id
    group by usual.provider_id, client.period_start_date
)

select
    provider_id,
    period_start_date,
    numerator,
    denominator
from final
