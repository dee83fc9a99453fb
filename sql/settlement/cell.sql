-- Person-days of the month that are paid at one rate: by provider, site, age band, sex and place.
select
    provider_id,
    site_id,
    age_from,
    sex_code,
    municipality_code,
    is_shadow,
    cast(
        count(distinct person_id)
        + sum(case when person_id is null then person_count else 0 end) as bigint
    ) as person_count,
    cast(sum(person_days) as bigint) as person_days
from settle.listed
where list_month = $list_month and status_code = 'paid'
group by provider_id, site_id, age_from, sex_code, municipality_code, is_shadow
