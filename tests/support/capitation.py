"""Payment schemes for tests: columns of the rulebooks, and one row of each.

Here: rulebooks by hand. Not here: the ones that are in force (`dagster_project/rulebooks`).
"""

from __future__ import annotations

from datetime import date
from typing import Any

SCHEME = (
    "valid_from_date date, rulebook_id varchar, service_code varchar, mode_code varchar,"
    " base_code varchar, is_budget_neutral boolean, adults_from_age integer,"
    " choice_delay_days integer, window_months integer, credibility_eur decimal(18,2),"
    " factor_lower decimal(18,8), factor_upper decimal(18,8), is_shadow_for_public boolean"
)
AMOUNT = (
    "valid_from_date date, rulebook_id varchar, age_from integer, age_to integer,"
    " sex_code varchar, amount_eur decimal(18,2)"
)
FACTOR = (
    "valid_from_date date, rulebook_id varchar, municipality_code varchar, factor decimal(18,8)"
)
BASKET = "valid_from_date date, rulebook_id varchar, package_class_code varchar"


def scheme(version: date, rulebook_id: str = "R", **others: Any) -> tuple[Any, ...]:
    """A version of a scheme of fixed amounts, in mode trial unless told otherwise."""
    row: dict[str, Any] = {
        "valid_from_date": version,
        "rulebook_id": rulebook_id,
        "service_code": "reception",
        "mode_code": "trial",
        "base_code": "fixed",
        "is_budget_neutral": False,
        "adults_from_age": 0,
        "choice_delay_days": 0,
        "window_months": 12,
        "credibility_eur": 0,
        "factor_lower": "0.1",
        "factor_upper": "10",
        "is_shadow_for_public": False,
    }
    assert others.keys() <= row.keys()
    return tuple((row | others).values())


TARIFF = (
    "rulebook_id varchar, version_date date, age_from integer, age_to integer, sex_code varchar,"
    " base_eur decimal(18,6)"
)
ENROLMENT = (
    "person_id bigint, service_code varchar, provider_id varchar, valid_from_date date,"
    " valid_to_date date, known_to_seq bigint,"
    " is_ended_by_next boolean generated always as (valid_to_date is not null)"
)
SITE = "service_code varchar, provider_id varchar, municipality_code varchar, sector_code varchar"
RESIDENCE = (
    "person_id bigint, municipality_code varchar, valid_from_date date, valid_to_date date,"
    " known_to_seq bigint"
)
CORRECTION_TABLES = {
    "rulebook.capitation_scheme": SCHEME,
    "rulebook.capitation_regional_factor": FACTOR,
    "mart.capitation_tariff": TARIFF,
    "core.site": SITE,
    "core.prior_use": "rulebook_id varchar, window_from_date date, window_to_date date,"
    " person_id bigint, municipality_code varchar, sex_code varchar, age_years bigint,"
    " person_units bigint, observed_eur decimal(18,2), relative_need decimal(18,8),"
    " has_public_contact boolean",
    "core.enrolment": ENROLMENT,
}
"""What `mart.capitation_correction_factor` reads."""
NEED_TABLES = {
    "rulebook.capitation_scheme": SCHEME,
    "mart.capitation_tariff": TARIFF,
    "core.register_month": "exposure_month date",
    "core.site": SITE,
    "core.enrolment": ENROLMENT,
    "core.person": "person_id bigint, sex_code varchar, birth_date date, death_date date",
    "core.residence": RESIDENCE,
    "core.municipality": "municipality_code varchar, is_trial_area boolean",
    "core.expected_cost": "person_id bigint, index_month date, relative_need decimal(18,8)",
    "core.person_month": "person_id bigint, exposure_month date, municipality_code varchar,"
    " resident_days integer",
    "core.resident_exposure": "exposure_month date, municipality_code varchar, age_years bigint,"
    " sex_code varchar, person_days bigint, need_days decimal(18,8)",
}
"""What `mart.capitation_need_factor` reads."""
