-- grain: One row per version of a payment scheme in force, month, and provider with a list.
-- key: [rulebook_id, settlement_month, provider_id]
-- partition: settlement_month
-- purpose: knowledge management
-- may_be_empty: choice may not have begun
-- touched:
--   - select exposure_month from changed.resident_exposure
--   - >-
--     select register_month.exposure_month
--     from core.register_month as register_month
--     inner join changed.enrolment as enrolment
--     on register_month.exposure_month + interval 1 month > enrolment.valid_from_date
--   - >-
--     select register_month.exposure_month
--     from core.register_month as register_month
--     inner join changed.expected_cost as expected_cost
--     on register_month.exposure_month >= expected_cost.index_month
--   - >-
--     select register_month.exposure_month
--     from core.register_month as register_month
--     inner join changed.capitation_tariff as tariff
--     on register_month.exposure_month >= tariff.version_date
--   - >-
--     select register_month.exposure_month
--     from core.register_month as register_month cross join changed.site
with
scheme as (
    select
        rulebook_id,
        valid_from_date as version_date,
        lead(valid_from_date, 1, date '9999-12-31') over (
            partition by rulebook_id order by valid_from_date
        ) as next_version_date,
        service_code,
        mode_code,
        choice_delay_days,
        is_shadow_for_public
    from rulebook.capitation_scheme
),

version_month as (
    select
        scheme.*,
        register_month.exposure_month as settlement_month
    from core.register_month as register_month
    inner join scheme
        on
            register_month.exposure_month >= scheme.version_date
            and register_month.exposure_month < scheme.next_version_date
),

-- Choices of a provider are one time with it, whatever lies between, until nothing that it wrote
-- down can still be seen: two years of diagnoses, and the quarter.
choice as (
    select
        person_id,
        service_code,
        provider_id,
        valid_from_date,
        valid_to_date,
        is_ended_by_next,
        lag(coalesce(valid_to_date, date '9999-12-31')) over (
            partition by person_id, service_code, provider_id
            order by valid_from_date, valid_to_date
        ) as previous_to_date
    from core.enrolment
    where
        known_to_seq is null
        and (valid_to_date is null or valid_to_date > valid_from_date)
),

numbered as (
    select
        *,
        sum(
            case when previous_to_date > valid_from_date - interval 27 month then 0 else 1 end
        ) over (
            partition by person_id, service_code, provider_id
            order by valid_from_date, valid_to_date
            rows between unbounded preceding and current row
        ) as time_number
    from choice
),

joined as (
    select
        *,
        min(valid_from_date) over (
            partition by person_id, service_code, provider_id, time_number
        ) as joined_date
    from numbered
),

-- Days of choices that were lived in the area, as settlement counts them; as known now.
spell as (
    select
        scheme.rulebook_id,
        scheme.version_date,
        joined.provider_id,
        joined.person_id,
        joined.joined_date + scheme.choice_delay_days as joined_date,
        greatest(joined.valid_from_date + scheme.choice_delay_days, residence.valid_from_date)
            as from_date,
        least(
            coalesce(
                joined.valid_to_date
                + case when joined.is_ended_by_next then scheme.choice_delay_days else 0 end,
                date '9999-12-31'
            ),
            coalesce(residence.valid_to_date, date '9999-12-31')
        ) as to_date
    from joined
    inner join scheme on joined.service_code = scheme.service_code
    -- Who does not live in the area is on no list.
    inner join core.residence as residence on joined.person_id = residence.person_id
    left join core.municipality as municipality
        on residence.municipality_code = municipality.municipality_code
    where
        residence.known_to_seq is null
        and (residence.municipality_code is null or municipality.is_trial_area)
),

listed as (
    select
        version_month.rulebook_id,
        version_month.version_date,
        version_month.settlement_month,
        spell.provider_id,
        spell.person_id,
        person.sex_code,
        person.birth_date,
        spell.joined_date,
        date_diff(
            'day',
            greatest(spell.from_date, version_month.settlement_month),
            least(
                spell.to_date, cast(version_month.settlement_month + interval 1 month as date)
            )
        ) as listed_days
    from spell
    inner join version_month
        on
            spell.rulebook_id = version_month.rulebook_id
            and spell.version_date = version_month.version_date
            and spell.from_date < version_month.settlement_month + interval 1 month
            and spell.to_date > version_month.settlement_month
    -- A stay comes from a register row, and so does the person: the join loses nobody.
    inner join core.person as person on spell.person_id = person.person_id
    where spell.from_date < spell.to_date
),

-- Need as it was when the person came to the provider: what that writes down later does not count.
described as (
    select
        listed.rulebook_id,
        listed.version_date,
        listed.settlement_month,
        listed.provider_id,
        listed.person_id,
        listed.sex_code,
        age_years(listed.birth_date, listed.settlement_month) as age_years,
        listed.listed_days,
        coalesce(expected_cost.relative_need, cast(1 as decimal(18, 8))) as relative_need
    from listed
    left join core.expected_cost as expected_cost
        on
            listed.person_id = expected_cost.person_id
            and cast(date_trunc('quarter', listed.joined_date) as date)
            = expected_cost.index_month
),

-- What those who have chosen are in the figures of where they live, to be taken from them.
resident as (
    select
        described.rulebook_id,
        described.settlement_month,
        coalesce(person_month.municipality_code, '') as municipality_code,
        described.age_years,
        described.sex_code,
        sum(described.listed_days) as person_days,
        sum(described.listed_days * coalesce(expected_cost.relative_need, 1)) as need_days
    from described
    inner join core.person_month as person_month
        on
            described.person_id = person_month.person_id
            and described.settlement_month = person_month.exposure_month
    left join core.expected_cost as expected_cost
        on
            described.person_id = expected_cost.person_id
            and cast(date_trunc('quarter', described.settlement_month) as date)
            = expected_cost.index_month
    group by
        described.rulebook_id,
        described.settlement_month,
        coalesce(person_month.municipality_code, ''),
        described.age_years,
        described.sex_code
),

public_provider as (
    select
        service_code,
        municipality_code,
        min(provider_id) as provider_id
    from core.site
    where sector_code = 'public'
    group by service_code, municipality_code
),

-- Every list's days by age and sex: of those who chose, and of those who belong to the public
-- provider where they live. Who has neither (a protected person) counts in the region alone.
cell as (
    select
        rulebook_id,
        version_date,
        settlement_month,
        provider_id,
        age_years,
        sex_code,
        true as is_paid,
        cast(sum(listed_days) as bigint) as person_days,
        sum(listed_days * relative_need) as need_days
    from described
    group by
        rulebook_id, version_date, settlement_month, provider_id, age_years, sex_code
    union all
    select
        version_month.rulebook_id,
        version_month.version_date,
        version_month.settlement_month,
        public_provider.provider_id,
        exposure.age_years,
        exposure.sex_code,
        version_month.is_shadow_for_public as is_paid,
        cast(exposure.person_days - coalesce(resident.person_days, 0) as bigint) as person_days,
        exposure.need_days - coalesce(resident.need_days, 0) as need_days
    from core.resident_exposure as exposure
    inner join version_month on exposure.exposure_month = version_month.settlement_month
    left join public_provider
        on
            version_month.service_code = public_provider.service_code
            and exposure.municipality_code = public_provider.municipality_code
    left join resident
        on
            version_month.rulebook_id = resident.rulebook_id
            and exposure.exposure_month = resident.settlement_month
            and exposure.municipality_code = resident.municipality_code
            and exposure.age_years = resident.age_years
            and exposure.sex_code = resident.sex_code
),

-- Millionths of euros a day's year: by age and sex alone, and by need.
weighted as (
    select
        cell.rulebook_id,
        cell.version_date,
        cell.settlement_month,
        cell.provider_id,
        cell.is_paid,
        cast(sum(cell.person_days) as bigint) as person_days,
        sum(cast(tariff.base_eur * 1000000 as hugeint) * cell.person_days) as by_age_sex,
        sum(
            cast(tariff.base_eur * 1000000 as hugeint)
            * cast(cell.need_days * 100000000 as hugeint)
        ) as by_need
    from cell
    -- Ages for which the scheme pays nothing have no tariff.
    inner join mart.capitation_tariff as tariff
        on
            cell.rulebook_id = tariff.rulebook_id
            and cell.version_date = tariff.version_date
            and cell.sex_code = tariff.sex_code
            and cell.age_years between tariff.age_from and tariff.age_to
    group by
        cell.rulebook_id,
        cell.version_date,
        cell.settlement_month,
        cell.provider_id,
        cell.is_paid
),

-- The region's mean need in the month, in hundred-millionths: the lists' mean becomes 1.
region as (
    select
        rulebook_id,
        settlement_month,
        (2 * sum(by_need) + sum(by_age_sex)) // (2 * sum(by_age_sex)) as mean_need
    from weighted
    group by rulebook_id, settlement_month
    having sum(by_age_sex) > 0
),

lists as (
    select
        weighted.rulebook_id,
        weighted.version_date,
        weighted.settlement_month,
        weighted.provider_id,
        weighted.person_days,
        weighted.by_age_sex,
        case
            when version_month.mode_code = 'need' and weighted.by_age_sex > 0
                then
                    (2 * weighted.by_need * 100000000 + weighted.by_age_sex * region.mean_need)
                    // (2 * weighted.by_age_sex * region.mean_need)
            else 100000000
        end as need_factor,
        (731 - dayofyear(make_date(year(weighted.settlement_month), 12, 31))) as day_units
    from weighted
    inner join version_month
        on
            weighted.rulebook_id = version_month.rulebook_id
            and weighted.settlement_month = version_month.settlement_month
    inner join region
        on
            weighted.rulebook_id = region.rulebook_id
            and weighted.settlement_month = region.settlement_month
    where weighted.is_paid and weighted.provider_id is not null
),

-- Euros of the month: a day is a 365th or a 366th of the year, and a year 133 590 units.
final as (
    select
        rulebook_id,
        version_date,
        settlement_month,
        provider_id,
        cast(
            cast(need_factor as decimal(18, 0)) * cast(0.00000001 as decimal(9, 8))
            as decimal(18, 8)
        ) as need_factor,
        cast(
            cast(
                (
                    by_age_sex * day_units * need_factor
                    + cast(66795 as hugeint) * 10000 * 100000000
                ) // (cast(133590 as hugeint) * 10000 * 100000000) as decimal(16, 0)
            ) * cast(0.01 as decimal(3, 2)) as decimal(18, 2)
        ) as expected_eur,
        cast(
            cast(
                (by_age_sex * day_units + 667950000) // (cast(133590 as hugeint) * 10000)
                as decimal(16, 0)
            ) * cast(0.01 as decimal(3, 2)) as decimal(18, 2)
        ) as expected_by_age_sex_eur,
        person_days
    from lists
)

select
    rulebook_id,
    version_date,
    settlement_month,
    provider_id,
    need_factor,
    expected_eur,
    expected_by_age_sex_eur,
    person_days
from final
