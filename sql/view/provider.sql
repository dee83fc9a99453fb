-- grain: One row per provider.
-- Where and in which languages it serves: of sites still in use.
with
site_language as (
    select distinct
        site.provider_id,
        unnest(string_split(site.language_codes, ',')) as language_code
    from shelf.site as site
    where site.valid_to_date is null
),

spoken as (
    select
        provider_id,
        string_agg(language_code, ',' order by language_code) as language_codes
    from site_language
    group by provider_id
),

place as (
    select distinct
        site.provider_id,
        site.municipality_code
    from shelf.site as site
    where site.valid_to_date is null
),

served as (
    select
        provider_id,
        string_agg(municipality_code, ',' order by municipality_code) as municipality_codes
    from place
    group by provider_id
)

select
    provider.provider_id,
    provider.provider_name,
    provider.sector_code,
    spoken.language_codes,
    served.municipality_codes
from shelf.provider as provider
left join spoken on provider.provider_id = spoken.provider_id
left join served on provider.provider_id = served.provider_id
order by provider.provider_id
