-- grain: One row per superseded person id, with the person it now stands for.
-- key: [alias_person_id]
-- may_be_empty: nobody's code may have changed
with recursive
-- Where two persons claim the same former code, the newest statement holds.
link as (
    select
        from_person_id,
        to_person_id
    from core.person_link
    where known_to_seq is null
    qualify row_number() over (
        partition by from_person_id order by known_from_seq desc, to_person_id desc
    ) = 1
),

chain as (
    select
        from_person_id as alias_person_id,
        to_person_id as person_id,
        1 as depth
    from link
    union all
    select
        chain.alias_person_id,
        link.to_person_id as person_id,
        chain.depth + 1 as depth
    from chain
    inner join link on chain.person_id = link.from_person_id
    -- A ring of codes cannot be real; the bound keeps it from running for ever.
    where chain.depth < 20
),

final as (
    select
        alias_person_id,
        person_id
    from chain
    qualify row_number() over (partition by alias_person_id order by depth desc) = 1
)

select
    alias_person_id,
    person_id
from final
