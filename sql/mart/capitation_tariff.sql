-- grain: One row per version of a payment scheme, age band and sex.
-- key: [rulebook_id, version_date, age_from, sex_code]
-- purpose: knowledge management
with
scheme as (
    select
        rulebook_id,
        valid_from_date as version_date,
        base_code,
        credibility_eur,
        cast(valid_from_date - to_months(window_months) as date) as window_from_date
    from rulebook.capitation_scheme
),

-- An amount for any sex is one for each.
cell as (
    select
        amount.rulebook_id,
        amount.valid_from_date as version_date,
        amount.age_from,
        amount.age_to,
        sex.sex_code,
        amount.amount_eur
    from rulebook.capitation_amount as amount
    inner join (values ('1'), ('2')) as sex (sex_code)
        on amount.sex_code in (sex.sex_code, 'any')
),

-- Person-years in units of 1 / 133 590: a day is 366 of them in a common year, 365 in a leap year.
exposure as (
    select
        scheme.rulebook_id,
        scheme.version_date,
        resident.age_years,
        resident.sex_code,
        cast(
            sum(
                resident.person_days
                * (731 - dayofyear(make_date(year(resident.exposure_month), 12, 31)))
            ) as bigint
        ) as person_units
    from core.resident_exposure as resident
    inner join scheme
        on
            resident.exposure_month >= scheme.window_from_date
            and resident.exposure_month < scheme.version_date
    group by scheme.rulebook_id, scheme.version_date, resident.age_years, resident.sex_code
),

-- Cost of the basket in the window, in cents.
spent as (
    select
        scheme.rulebook_id,
        scheme.version_date,
        resident.age_years,
        resident.sex_code,
        cast(sum(resident.cost_eur) * 100 as bigint) as cost_cents
    from core.resident_cost as resident
    inner join scheme
        on
            resident.cost_month >= scheme.window_from_date
            and resident.cost_month < scheme.version_date
    inner join rulebook.capitation_basket as basket
        on
            scheme.rulebook_id = basket.rulebook_id
            and scheme.version_date = basket.valid_from_date
            and resident.package_class_code = basket.package_class_code
    group by scheme.rulebook_id, scheme.version_date, resident.age_years, resident.sex_code
),

lived as (
    select
        cell.rulebook_id,
        cell.version_date,
        cell.age_from,
        cell.sex_code,
        cast(sum(exposure.person_units) as bigint) as person_units
    from cell
    inner join exposure
        on
            cell.rulebook_id = exposure.rulebook_id
            and cell.version_date = exposure.version_date
            and cell.sex_code = exposure.sex_code
            and exposure.age_years between cell.age_from and cell.age_to
    group by cell.rulebook_id, cell.version_date, cell.age_from, cell.sex_code
),

used as (
    select
        cell.rulebook_id,
        cell.version_date,
        cell.age_from,
        cell.sex_code,
        cast(sum(spent.cost_cents) as bigint) as cost_cents
    from cell
    inner join spent
        on
            cell.rulebook_id = spent.rulebook_id
            and cell.version_date = spent.version_date
            and cell.sex_code = spent.sex_code
            and spent.age_years between cell.age_from and cell.age_to
    group by cell.rulebook_id, cell.version_date, cell.age_from, cell.sex_code
),

-- Millionths of a euro from here on. A cell without residents has no experience of its own.
counted as (
    select
        cell.rulebook_id,
        cell.version_date,
        cell.age_from,
        cell.age_to,
        cell.sex_code,
        scheme.base_code,
        cast(scheme.credibility_eur * 1000000 as hugeint) as credibility,
        cast(cell.amount_eur * 1000000 as hugeint) as amount,
        cast(coalesce(lived.person_units, 0) as hugeint) as person_units,
        case when lived.person_units > 0 then cast(coalesce(used.cost_cents, 0) as hugeint) else 0
        end as cost_cents
    from cell
    inner join scheme
        on cell.rulebook_id = scheme.rulebook_id and cell.version_date = scheme.version_date
    left join lived
        on
            cell.rulebook_id = lived.rulebook_id
            and cell.version_date = lived.version_date
            and cell.age_from = lived.age_from
            and cell.sex_code = lived.sex_code
    left join used
        on
            cell.rulebook_id = used.rulebook_id
            and cell.version_date = used.version_date
            and cell.age_from = used.age_from
            and cell.sex_code = used.sex_code
),

levelled as (
    select
        *,
        sum(cost_cents) over (partition by rulebook_id, version_date) as all_cents,
        sum(amount * person_units) over (partition by rulebook_id, version_date) as all_expected
    from counted
),

-- What is expected of a cell before its own cost is seen: its amount at the level of the region's
-- cost. Each ratio is rounded half up: (2a + b) // 2b.
prior as (
    select
        *,
        case
            when all_cents > 0 and all_expected > 0
                then
                    (
                        2 * amount * all_cents * 10000 * 133590 + all_expected
                    ) // (2 * all_expected)
            else amount
        end as prior_eur,
        case
            when person_units > 0
                then
                    (2 * cost_cents * 10000 * 133590 + person_units) // (2 * person_units)
        end as mean_eur
    from levelled
),

weighed as (
    select
        *,
        case
            when prior_eur * person_units + credibility * 133590 > 0
                then
                    (
                        2 * prior_eur * person_units * 100000000
                        + prior_eur * person_units
                        + credibility * 133590
                    ) // (2 * (prior_eur * person_units + credibility * 133590))
            else 0
        end as weight
    from prior
),

-- Own experience by its weight, the expectation for the rest; weights count 1 / 100 000 000.
blended as (
    select
        *,
        (
            2 * (weight * coalesce(mean_eur, 0) + (100000000 - weight) * prior_eur) + 100000000
        ) // 200000000 as blended_eur
    from weighed
),

summed as (
    select
        *,
        sum(blended_eur * person_units) over (partition by rulebook_id, version_date)
            as all_blended
    from blended
),

-- The calibrated base gives back the region's cost, no more and no less.
based as (
    select
        *,
        case
            when base_code = 'fixed' then amount
            when all_cents > 0 and all_blended > 0
                then
                    (
                        2 * blended_eur * all_cents * 10000 * 133590 + all_blended
                    ) // (2 * all_blended)
            else blended_eur
        end as base_eur
    from summed
),

tariff as (
    select
        rulebook_id,
        version_date,
        age_from,
        age_to,
        sex_code,
        cast(base_eur as decimal(18, 0)) * cast(0.000001 as decimal(7, 6)) as base_eur,
        cast(cost_cents as decimal(16, 0)) * cast(0.01 as decimal(3, 2)) as observed_eur,
        (2 * person_units * 1000000 + 133590) // (2 * 133590) as person_micros,
        weight
    from based
),

version as (
    select
        rulebook_id,
        version_date,
        lag(version_date) over (partition by rulebook_id order by version_date)
            as previous_version_date
    from scheme
),

-- Of the version before: the mean over the ages of the band, should its bands be others.
previous as (
    select
        tariff.rulebook_id,
        tariff.version_date,
        tariff.age_from,
        tariff.sex_code,
        sum(
            earlier.base_eur * cast(
                least(tariff.age_to, earlier.age_to)
                - greatest(tariff.age_from, earlier.age_from) + 1 as decimal(4, 0)
            )
        ) as eur_ages,
        sum(
            least(tariff.age_to, earlier.age_to)
            - greatest(tariff.age_from, earlier.age_from) + 1
        ) as ages
    from tariff
    inner join version
        on
            tariff.rulebook_id = version.rulebook_id
            and tariff.version_date = version.version_date
    inner join tariff as earlier
        on
            tariff.rulebook_id = earlier.rulebook_id
            and version.previous_version_date = earlier.version_date
            and tariff.sex_code = earlier.sex_code
            and tariff.age_from <= earlier.age_to
            and tariff.age_to >= earlier.age_from
    group by tariff.rulebook_id, tariff.version_date, tariff.age_from, tariff.sex_code
),

final as (
    select
        tariff.rulebook_id,
        tariff.version_date,
        tariff.age_from,
        tariff.age_to,
        tariff.sex_code,
        cast(tariff.base_eur as decimal(18, 6)) as base_eur,
        cast(tariff.observed_eur as decimal(18, 2)) as observed_eur,
        cast(
            cast(tariff.person_micros as decimal(18, 0)) * cast(0.000001 as decimal(7, 6))
            as decimal(18, 6)
        ) as person_years,
        cast(
            cast(tariff.weight as decimal(9, 0)) * cast(0.00000001 as decimal(9, 8))
            as decimal(18, 8)
        ) as credibility_weight,
        cast(
            cast(
                (2 * cast(previous.eur_ages * 1000000 as hugeint) + previous.ages)
                // (2 * previous.ages) as decimal(18, 0)
            ) * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)
        ) as previous_base_eur
    from tariff
    left join previous
        on
            tariff.rulebook_id = previous.rulebook_id
            and tariff.version_date = previous.version_date
            and tariff.age_from = previous.age_from
            and tariff.sex_code = previous.sex_code
)

select
    rulebook_id,
    version_date,
    age_from,
    age_to,
    sex_code,
    base_eur,
    observed_eur,
    person_years,
    credibility_weight,
    previous_base_eur
from final
