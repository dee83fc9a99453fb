-- grain: One row per payment scheme, its newest version, and provider.
with
newest as (
    select
        rulebook_id,
        max(version_date) as version_date
    from shelf.capitation_correction_factor
    group by rulebook_id
)

select
    correction.rulebook_id,
    correction.group_id as provider_id,
    correction.factor as correction_factor,
    correction.raw_factor,
    correction.raw_factor_lower,
    correction.raw_factor_upper,
    correction.credibility_weight,
    correction.share_without_contact,
    correction.person_count,
    correction.window_from_date,
    correction.window_to_date
from shelf.capitation_correction_factor as correction
inner join newest
    on
        correction.rulebook_id = newest.rulebook_id
        and correction.version_date = newest.version_date
order by correction.rulebook_id, correction.group_id
