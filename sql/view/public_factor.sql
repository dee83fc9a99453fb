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
    correction.share_without_contact
from shelf.capitation_correction_factor as correction
inner join newest
    on
        correction.rulebook_id = newest.rulebook_id
        and correction.version_date = newest.version_date
order by correction.rulebook_id, correction.group_id
