-- grain: One row per superseded person id, with the person it now stands for.
-- key: [alias_person_id]
-- may_be_empty: nobody's code may have changed
with recursive
stated as (
    select
        from_person_id,
        to_person_id,
        known_from_seq
    from core.person_link
    where known_to_seq is null
),

-- Where two persons claim the same former code, the newest statement holds. A code that a later
-- statement gives as the present one is a former one no more: a change was taken back.
link as (
    select
        stated.from_person_id,
        stated.to_person_id
    from stated
    anti join stated as later
        on
            stated.from_person_id = later.to_person_id
            and stated.known_from_seq < later.known_from_seq
    qualify row_number() over (
        partition by stated.from_person_id
        order by stated.known_from_seq desc, stated.to_person_id desc
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
