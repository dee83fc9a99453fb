-- grain: One row per version of a payment scheme and provider with a list.
-- key: [rulebook_id, version_date, group_id]
-- purpose: knowledge management
-- may_be_empty: choice may not have begun
with
version as (
    select
        scheme.rulebook_id,
        scheme.valid_from_date as version_date,
        lead(scheme.valid_from_date, 1, date '9999-12-31') over (
            partition by scheme.rulebook_id order by scheme.valid_from_date
        ) as next_version_date,
        -- A base drawn from cost is the first one here: later ones rest on what lists did since.
        case
            when scheme.base_code = 'calibrated'
                then min(scheme.valid_from_date) over (partition by scheme.rulebook_id)
            else scheme.valid_from_date
        end as tariff_date,
        scheme.service_code,
        scheme.mode_code,
        scheme.choice_delay_days,
        scheme.window_months,
        scheme.credibility_eur,
        scheme.factor_lower,
        scheme.factor_upper,
        scheme.is_shadow_for_public
    from rulebook.capitation_scheme as scheme
),

-- What the factors already applied expect of each resident in the window, in millionths of a euro,
-- rounded half up once. Who is younger than the scheme pays for is not expected to cost anything.
expected as (
    select
        version.rulebook_id,
        version.version_date,
        prior_use.window_from_date,
        prior_use.window_to_date,
        prior_use.person_id,
        prior_use.municipality_code,
        prior_use.person_units,
        prior_use.has_public_contact,
        cast(prior_use.observed_eur * 100 as hugeint) as observed_cents,
        (
            2
            * cast(tariff.base_eur * 1000000 as hugeint)
            * prior_use.person_units
            * cast(coalesce(regional.factor, 1) * 100000000 as hugeint)
            * case
                when version.mode_code = 'need'
                    then cast(prior_use.relative_need * 100000000 as hugeint)
                else 100000000
            end
            + cast(133590 as hugeint) * 10000000000000000
        ) // (cast(267180 as hugeint) * 10000000000000000) as expected_micros,
        -- Diagnoses and cost of one window speak of one another: each band of need is brought to
        -- what it cost, so that lists that differ in morbidity alone come out alike.
        case
            when version.mode_code <> 'need' then 0
            when prior_use.relative_need < 0.5 then 1
            when prior_use.relative_need < 0.75 then 2
            when prior_use.relative_need < 1 then 3
            when prior_use.relative_need < 1.5 then 4
            when prior_use.relative_need < 2.5 then 5
            else 6
        end as need_band
    from core.prior_use as prior_use
    inner join version
        on
            prior_use.rulebook_id = version.rulebook_id
            and prior_use.window_from_date
            = cast(prior_use.window_to_date - to_months(version.window_months) as date)
    inner join mart.capitation_tariff as tariff
        on
            version.rulebook_id = tariff.rulebook_id
            and version.tariff_date = tariff.version_date
            and prior_use.sex_code = tariff.sex_code
            and prior_use.age_years between tariff.age_from and tariff.age_to
    left join rulebook.capitation_regional_factor as regional
        on
            version.rulebook_id = regional.rulebook_id
            and version.version_date = regional.valid_from_date
            and prior_use.municipality_code = regional.municipality_code
),

-- The region's cost over what was expected of it, by band of need, in hundred-millionths.
level as (
    select
        rulebook_id,
        version_date,
        need_band,
        case
            when sum(expected_micros) > 0
                then
                    (
                        2 * sum(observed_cents) * 10000 * 100000000 + sum(expected_micros)
                    ) // (2 * sum(expected_micros))
            else 0
        end as level
    from expected
    group by rulebook_id, version_date, need_band
),

chosen as (
    select distinct
        version.rulebook_id,
        version.version_date,
        enrolment.person_id,
        enrolment.provider_id as group_id
    from core.enrolment as enrolment
    inner join version
        on
            enrolment.service_code = version.service_code
            and enrolment.valid_from_date + version.choice_delay_days < version.next_version_date
            and (
                enrolment.valid_to_date is null
                or enrolment.valid_to_date
                + case when enrolment.is_ended_by_next then version.choice_delay_days else 0 end
                > version.version_date
            )
    where enrolment.known_to_seq is null and enrolment.provider_id is not null
),

-- Who has chosen nobody belongs to the public provider where they live.
public_provider as (
    select
        service_code,
        municipality_code,
        min(provider_id) as provider_id
    from core.site
    where sector_code = 'public'
    group by service_code, municipality_code
),

member as (
    select
        rulebook_id,
        version_date,
        person_id,
        group_id
    from chosen
    union all
    select
        expected.rulebook_id,
        expected.version_date,
        expected.person_id,
        public_provider.provider_id as group_id
    from expected
    inner join version
        on
            expected.rulebook_id = version.rulebook_id
            and expected.version_date = version.version_date
    inner join public_provider
        on
            version.service_code = public_provider.service_code
            and expected.municipality_code = public_provider.municipality_code
    left join chosen
        on
            expected.rulebook_id = chosen.rulebook_id
            and expected.version_date = chosen.version_date
            and expected.person_id = chosen.person_id
    where version.is_shadow_for_public and chosen.person_id is null
),

by_band as (
    select
        member.rulebook_id,
        member.version_date,
        member.group_id,
        expected.need_band,
        min(expected.window_from_date) as window_from_date,
        min(expected.window_to_date) as window_to_date,
        sum(expected.observed_cents) as observed_cents,
        (2 * sum(expected.expected_micros) * max(level.level) + 100000000) // 200000000
            as expected_micros,
        sum(expected.person_units) as person_units,
        count(*) as person_count,
        sum(case when expected.has_public_contact then 0 else 1 end) as unseen_count,
        -- Squares of whole euros: what a person cost against what was expected.
        sum(
            (
                expected.observed_cents * 10000
                - expected.expected_micros * level.level // 100000000
            ) // 1000000
            * (
                (
                    expected.observed_cents * 10000
                    - expected.expected_micros * level.level // 100000000
                ) // 1000000
            )
        ) as squares
    from member
    -- Who did not live in the area in the window tells nothing of it.
    inner join expected
        on
            member.rulebook_id = expected.rulebook_id
            and member.version_date = expected.version_date
            and member.person_id = expected.person_id
    inner join level
        on
            expected.rulebook_id = level.rulebook_id
            and expected.version_date = level.version_date
            and expected.need_band = level.need_band
    group by member.rulebook_id, member.version_date, member.group_id, expected.need_band
),

-- Cents: what is published is what the factor is reckoned from.
totalled as (
    select
        rulebook_id,
        version_date,
        group_id,
        min(window_from_date) as window_from_date,
        min(window_to_date) as window_to_date,
        sum(observed_cents) as observed_cents,
        (2 * sum(expected_micros) + 10000) // 20000 as expected_cents,
        sum(person_units) as person_units,
        sum(person_count) as person_count,
        sum(unseen_count) as unseen_count,
        sum(squares) as squares
    from by_band
    group by rulebook_id, version_date, group_id
),

weighed as (
    select
        totalled.*,
        version.factor_lower,
        version.factor_upper,
        case
            when totalled.expected_cents > 0
                then
                    (2 * totalled.observed_cents * 100000000 + totalled.expected_cents)
                    // (2 * totalled.expected_cents)
            else 100000000
        end as raw_factor,
        case
            when totalled.expected_cents > 0
                then
                    (
                        2 * totalled.expected_cents * 100000000
                        + totalled.expected_cents
                        + cast(version.credibility_eur * 100 as hugeint)
                    ) // (
                        2 * (
                            totalled.expected_cents
                            + cast(version.credibility_eur * 100 as hugeint)
                        )
                    )
            else 0
        end as weight,
        case
            when totalled.expected_cents > 0
                then
                    196 * sqrt(cast(totalled.squares as double))
                    / cast(totalled.expected_cents as double)
        end as margin
    from totalled
    inner join version
        on
            totalled.rulebook_id = version.rulebook_id
            and totalled.version_date = version.version_date
),

-- Hundred-millionths become decimals; Z of the way from 1 to the list's own experience.
scaled as (
    select
        *,
        cast(cast(weight as decimal(9, 0)) * cast(0.00000001 as decimal(9, 8)) as decimal(18, 8))
            as credibility_weight,
        cast(
            cast(raw_factor as decimal(18, 0)) * cast(0.00000001 as decimal(9, 8))
            as decimal(18, 8)
        ) as raw_ratio
    from weighed
),

final as (
    select
        rulebook_id,
        version_date,
        group_id,
        cast(
            least(
                factor_upper,
                greatest(
                    factor_lower, cast(
                        round(
                            1
                            + cast(credibility_weight as decimal(38, 8)) * (raw_ratio - 1),
                            8
                        )
                        as decimal(18, 8)
                    )
                )
            ) as decimal(18, 8)
        ) as factor,
        cast(
            cast(observed_cents as decimal(16, 0)) * cast(0.01 as decimal(3, 2))
            as decimal(18, 2)
        ) as observed_eur,
        cast(
            cast(expected_cents as decimal(16, 0)) * cast(0.01 as decimal(3, 2))
            as decimal(18, 2)
        ) as expected_eur,
        credibility_weight,
        raw_ratio as raw_factor,
        cast(
            round(cast(raw_ratio as double) - margin, 8) as decimal(18, 8)
        ) as raw_factor_lower,
        cast(
            round(cast(raw_ratio as double) + margin, 8) as decimal(18, 8)
        ) as raw_factor_upper,
        cast(
            cast(
                (2 * unseen_count * 100000000 + person_count) // (2 * person_count)
                as decimal(18, 0)
            ) * cast(0.00000001 as decimal(9, 8)) as decimal(18, 8)
        ) as share_without_contact,
        cast(
            cast((2 * person_units * 1000000 + 133590) // 267180 as decimal(18, 0))
            * cast(0.000001 as decimal(7, 6)) as decimal(18, 6)
        ) as person_years,
        cast(person_count as bigint) as person_count,
        window_from_date,
        window_to_date
    from scaled
)

select
    rulebook_id,
    version_date,
    group_id,
    factor,
    observed_eur,
    expected_eur,
    credibility_weight,
    raw_factor,
    raw_factor_lower,
    raw_factor_upper,
    share_without_contact,
    person_years,
    person_count,
    window_from_date,
    window_to_date
from final
