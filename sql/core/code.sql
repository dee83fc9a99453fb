-- grain: One row per code of a code list, its set and span of dates in which it holds.
-- key: [code_list, code_set, code, valid_from_date]
with
final as (
    select
        'reference/avohilmo_codes' as code_list,
        code_set,
        code,
        name_fi,
        valid_from_date,
        valid_to_date
    from current.avohilmo_codes
    union all
    select
        'reference/icd10_codes' as code_list,
        'all' as code_set,
        code,
        name_fi,
        valid_from_date,
        valid_to_date
    from current.icd10_codes
    union all
    select
        'reference/icpc2_codes' as code_list,
        'all' as code_set,
        code,
        name_fi,
        valid_from_date,
        valid_to_date
    from current.icpc2_codes
    union all
    select
        'reference/procedure_codes' as code_list,
        code_set,
        code,
        name_fi,
        valid_from_date,
        valid_to_date
    from current.procedure_codes
    union all
    select
        'reference/specialities' as code_list,
        'all' as code_set,
        code,
        name_fi,
        valid_from_date,
        valid_to_date
    from current.specialities
)

select
    code_list,
    code_set,
    code,
    name_fi,
    valid_from_date,
    valid_to_date
from final
