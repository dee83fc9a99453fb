-- grain: One row per rulebook of the proposals and span of days in which an entry holds.
-- key: [rulebook_id, valid_from_date]
with
entry as (
    select distinct
        'class' as rulebook_id,
        valid_from_date
    from rulebook.personal_budget_class
    union all
    select distinct
        'unit' as rulebook_id,
        valid_from_date
    from rulebook.personal_budget_unit
    union all
    select distinct
        'price' as rulebook_id,
        valid_from_date
    from rulebook.personal_budget_price
    union all
    select distinct
        'service' as rulebook_id,
        valid_from_date
    from rulebook.personal_budget_service
    union all
    select distinct
        'terms' as rulebook_id,
        valid_from_date
    from rulebook.personal_budget_terms
    union all
    select distinct
        'prior_service' as rulebook_id,
        valid_from_date
    from rulebook.personal_budget_prior_service
)

select
    rulebook_id,
    valid_from_date,
    lead(valid_from_date, 1, date '9999-12-31') over (
        partition by rulebook_id order by valid_from_date
    ) as valid_to_date
from entry
