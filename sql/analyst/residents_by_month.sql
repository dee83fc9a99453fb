-- How many lived where, by month, municipality and sex?
select
    exposure_month,
    municipality_code,
    sex_code,
    count(*) as person_count,
    sum(resident_days) as resident_days
from core.person_month
group by exposure_month, municipality_code, sex_code
