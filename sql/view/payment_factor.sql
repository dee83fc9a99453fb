-- grain: One row per payment scheme, month, provider and whether it is settled in shadow.
-- The payment for the list as a product, and what is paid beside it.
with
wide as (
    select
        rulebook_id,
        settlement_month,
        provider_id,
        is_shadow,
        max(case when step_code = 'list' then quantity end) as person_days,
        max(case when step_code = 'base' then step_eur end) as base_eur,
        max(case when step_code = 'regional_factor' then factor end) as regional_factor,
        max(case when step_code = 'need_factor' then factor end) as need_factor,
        max(case when step_code = 'correction_factor' then factor end) as correction_factor,
        max(case when step_code = 'neutrality' then factor end) as neutrality_factor,
        sum(
            case
                when
                    step_code in (
                        'base',
                        'regional_factor',
                        'need_factor',
                        'correction_factor',
                        'neutrality'
                    )
                    then step_eur
            end
        ) as list_eur,
        max(case when step_code = 'payment' then step_eur end) as amount_eur
    from shelf.capitation_explanation
    group by rulebook_id, settlement_month, provider_id, is_shadow
)

select
    rulebook_id,
    settlement_month,
    provider_id,
    is_shadow,
    person_days,
    base_eur,
    regional_factor,
    need_factor,
    correction_factor,
    neutrality_factor,
    cast(list_eur as decimal(18, 2)) as list_eur,
    cast(amount_eur - coalesce(list_eur, 0) as decimal(18, 2)) as beside_eur,
    amount_eur
from wide
order by rulebook_id, settlement_month, provider_id
