-- grain: One row per flag raised about a service, in its newest version.
-- key: [flag_id]
-- may_be_empty: the portal may not have begun to take flags
with
site as (
    select distinct site_id
    from core.site
),

final as (
    select
        flags.flag_id,
        flags.role_code,
        coalesce(person_alias.person_id, flags.person_id) as person_id,
        flags.provider_id,
        flags.site_id,
        flags.topic_code,
        flags.severity_code,
        flags.raised_at,
        civil_date(flags.raised_at) as raised_date,
        flags.language_code,
        flags.sentiment_code,
        flags.flag_state_code,
        flags.delivery_sequence,
        flags.record_number
    from current.flags as flags
    left join core.person_alias as person_alias
        on flags.person_id = person_alias.alias_person_id
    left join site on flags.site_id = site.site_id
    -- A flag about a site nobody knows waits in core.unresolved; some are about no one site, and a
    -- protected person's has none.
    where flags.site_id is null or site.site_id is not null
)

select
    flag_id,
    role_code,
    person_id,
    provider_id,
    site_id,
    topic_code,
    severity_code,
    raised_at,
    raised_date,
    language_code,
    sentiment_code,
    flag_state_code,
    delivery_sequence,
    record_number
from final
