-- grain: One row per service of the catalogue, organisation, municipality, and span of months.
-- key: [service_id, business_id, municipality_code, valid_from_date]
-- may_be_empty: the service catalogue may not have been delivered
with
snapshot as (
    select
        delivery_sequence,
        dense_rank() over (order by delivery_sequence) as snapshot_number,
        lead(delivery_sequence) over (order by delivery_sequence) as next_sequence
    from (select distinct delivery_sequence from effective.services) as delivered
),

by_organisation as (
    select
        delivery_sequence,
        service_id,
        name_fi,
        name_sv,
        service_class_codes,
        target_group_codes,
        language_codes,
        channel_type_codes,
        channel_language_codes,
        municipality_codes,
        unnest(string_split(business_ids, ',')) as business_id
    from effective.services
),

by_municipality as (
    select
        delivery_sequence,
        service_id,
        name_fi,
        name_sv,
        service_class_codes,
        target_group_codes,
        language_codes,
        channel_type_codes,
        channel_language_codes,
        business_id,
        unnest(string_split(municipality_codes, ',')) as municipality_code
    from by_organisation
),

-- An organisation may stand there twice, as responsible and as producer; a municipality likewise.
stated as (
    select distinct
        snapshot.snapshot_number,
        snapshot.delivery_sequence,
        snapshot.next_sequence,
        by_municipality.service_id,
        by_municipality.business_id,
        by_municipality.municipality_code,
        by_municipality.name_fi,
        by_municipality.name_sv,
        by_municipality.service_class_codes,
        by_municipality.target_group_codes,
        by_municipality.language_codes,
        by_municipality.channel_type_codes,
        by_municipality.channel_language_codes
    from by_municipality
    inner join snapshot on by_municipality.delivery_sequence = snapshot.delivery_sequence
),

-- Snapshots in a row that say the same of an offer have the same difference of number and rank.
ranked as (
    select
        *,
        snapshot_number - row_number() over (
            partition by
                service_id,
                business_id,
                municipality_code,
                name_fi,
                name_sv,
                service_class_codes,
                target_group_codes,
                language_codes,
                channel_type_codes,
                channel_language_codes
            order by snapshot_number
        ) as island
    from stated
),

spanned as (
    select
        service_id,
        business_id,
        municipality_code,
        name_fi,
        name_sv,
        service_class_codes,
        target_group_codes,
        language_codes,
        channel_type_codes,
        channel_language_codes,
        min(delivery_sequence) as first_sequence,
        -- While the newest snapshot lists it, nothing says when it ends.
        case when count(*) = count(next_sequence) then max(next_sequence) end as end_sequence
    from ranked
    group by
        service_id,
        business_id,
        municipality_code,
        name_fi,
        name_sv,
        service_class_codes,
        target_group_codes,
        language_codes,
        channel_type_codes,
        channel_language_codes,
        island
),

final as (
    select
        service_id,
        business_id,
        municipality_code,
        name_fi,
        name_sv,
        service_class_codes,
        target_group_codes,
        language_codes,
        channel_type_codes,
        channel_language_codes,
        make_date(
            cast(floor(first_sequence / 100) as integer), cast(first_sequence % 100 as integer), 1
        ) as valid_from_date,
        make_date(
            cast(floor(end_sequence / 100) as integer), cast(end_sequence % 100 as integer), 1
        ) as valid_to_date
    from spanned
)

select
    service_id,
    business_id,
    municipality_code,
    name_fi,
    name_sv,
    service_class_codes,
    target_group_codes,
    language_codes,
    channel_type_codes,
    channel_language_codes,
    valid_from_date,
    valid_to_date
from final
