-- grain: One row per calendar year, trait of clients and its value.
select
    cast(calendar_year as varchar) as calendar_year,
    trait_code,
    trait_value,
    client_count,
    granted_month_eur,
    explained_month_eur,
    unexplained_month_eur,
    unexplained_low_eur,
    unexplained_high_eur,
    equity_state_code
from shelf.personal_budget_equity
order by calendar_year, trait_code, trait_value
