"""Indicators and schemes for tests: the tables that the marts of incentives read.

Here: their columns, and rows of them. Not here: what is in force (`sql/indicator`, the rulebooks).
"""

from __future__ import annotations

from datetime import date

VERSION = date(2017, 5, 1)
PERIODS = (
    (date(2017, 5, 1), date(2017, 9, 30), 5),
    (date(2017, 10, 1), date(2017, 12, 31), 3),
    (date(2018, 1, 1), date(2018, 3, 31), 3),
)
SITE = "provider_id varchar, service_code varchar, valid_from_date date, valid_to_date date"
SCALE = (
    "valid_from_date date, indicator_id varchar, floor_value decimal(18,4),"
    " target_value decimal(18,4), ceiling_value decimal(18,4)"
)
CONTRIBUTION_TABLES = {
    "rulebook.incentive_scheme": (
        "valid_from_date date, scheme_id varchar, service_code varchar,"
        " neutral_score decimal(18,8), bonus_share decimal(18,8), sanction_share decimal(18,8),"
        " minimum_weight decimal(18,8), is_budget_neutral boolean"
    ),
    "rulebook.incentive_weight": (
        "valid_from_date date, scheme_id varchar, indicator_id varchar, weight decimal(18,8)"
    ),
    "rulebook.indicator_scale": SCALE,
    "mart.indicator_value": (
        "provider_id varchar, service_code varchar, indicator_id varchar, period_start_date date,"
        " period_end_date date, is_to_date boolean, value decimal(18,4), state_code varchar,"
        " reporter_code varchar"
    ),
}
VALUE_TABLES = {
    "effective.delivery": "source varchar, table_name varchar, covers_to_date date",
    "core.reached": "reached_date date",
    "core.site": SITE,
    "core.indicator_period": "period_start_date date, period_end_date date, month_count integer",
    "core.scorecard_indicator": (
        "provider_id varchar, indicator_code varchar, period_end_date date,"
        " indicator_state_code varchar"
    ),
    "rulebook.unfit_figure": (
        "indicator_id varchar, provider_id varchar, from_date date, to_date date"
    ),
    "rulebook.indicator_service": "indicator_id varchar, service_code varchar",
    "rulebook.indicator_delivery": "indicator_id varchar, source varchar, table_name varchar",
    "rulebook.indicator_month": "indicator_id varchar, end_month integer",
    "rulebook.indicator_scale": SCALE,
    "rulebook.indicator": (
        "valid_from_date date, indicator_id varchar, unit_code varchar, multiplier integer,"
        " interval_code varchar, reporter_code varchar, declared_as_code varchar,"
        " due_days integer, minimum_denominator decimal(18,4)"
    ),
    "indicator.counted": (
        "indicator_id varchar, provider_id varchar, service_code varchar, period_start_date date,"
        " numerator decimal(18,4), denominator decimal(18,4), reporter_code varchar"
    ),
}
