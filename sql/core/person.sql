-- grain: One row per person the population register has listed.
-- key: [person_id]
with
listed as (
    select
        coalesce(person_alias.person_id, residents.person_id) as person_id,
        -- Of two rows in one delivery the person's present code speaks, not a former one.
        2 * residents.delivery_sequence
        + case when person_alias.person_id is null then 1 else 0 end as recency,
        residents.delivery_sequence,
        residents.sex_code,
        residents.birth_date,
        residents.death_date,
        residents.language_code,
        residents.birth_country_code
    from effective.residents as residents
    left join core.person_alias as person_alias
        on residents.person_id = person_alias.alias_person_id
),

newest_delivery as (
    select max(delivery_sequence) as delivery_sequence
    from effective.residents
),

person as (
    select
        person_id,
        arg_max_null(sex_code, recency) as sex_code,
        arg_max_null(birth_date, recency) as birth_date,
        arg_max_null(death_date, recency) as death_date,
        arg_max_null(language_code, recency) as language_code,
        arg_max_null(birth_country_code, recency) as birth_country_code,
        min(delivery_sequence) as first_listed_seq,
        max(delivery_sequence) as last_listed_seq
    from listed
    group by person_id
),

final as (
    select
        person.person_id,
        person.sex_code,
        person.birth_date,
        person.death_date,
        person.language_code,
        person.birth_country_code,
        person.first_listed_seq,
        person.last_listed_seq,
        person.last_listed_seq = newest_delivery.delivery_sequence as is_listed
    from person
    cross join newest_delivery
)

select
    person_id,
    sex_code,
    birth_date,
    death_date,
    language_code,
    birth_country_code,
    first_listed_seq,
    last_listed_seq,
    is_listed
from final
