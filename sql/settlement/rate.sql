-- Euros per person-year by provider, age band, sex and municipality: the base with every factor
-- applied, to 8 decimals. A provider new to the lists has the factors of the region: 1.
select
    tariff.list_month,
    payee.provider_id,
    regional.municipality_code,
    tariff.age_from,
    tariff.age_to,
    tariff.sex_code,
    tariff.base_eur,
    regional.factor as regional_factor,
    coalesce(group_factor.need_factor, 1.0) as need_factor,
    coalesce(group_factor.correction_factor, 1.0) as correction_factor,
    rate_of(
        tariff.base_eur,
        regional.factor,
        coalesce(group_factor.need_factor, 1.0),
        coalesce(group_factor.correction_factor, 1.0)
    ) as rate_eur
from settle.tariff as tariff
inner join settle.regional_factor as regional on tariff.list_month = regional.list_month
cross join settle.payee as payee
left join settle.group_factor as group_factor
    on
        tariff.list_month = group_factor.list_month
        and payee.provider_id = group_factor.provider_id
