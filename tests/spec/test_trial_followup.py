"""The follow-up of the trial: savings potential, equality, language, and the checked list.

Here: the marts by hand, and the list against the plan's tables. Not here: what counts as evidence
of each item in other marts (their own tests).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from functools import cache
from typing import Any

from tests.support.incentives import VALUE_TABLES
from tests.support.model_chain import Chain, chain

WINTER = date(2017, 1, 1)
D = Decimal
Row = tuple[Any, ...]
OF_SAVINGS = {
    "core.cost": (
        "person_id bigint, cost_month date, costed_service_code varchar, cost_eur decimal(18,2)"
    ),
    "core.person_month": (
        "person_id bigint, exposure_month date, municipality_code varchar, sex_code varchar,"
        " birth_date date"
    ),
    "core.resident_cost": (
        "cost_month date, municipality_code varchar, age_years integer, sex_code varchar,"
        " package_class_code varchar, cost_eur decimal(18,2)"
    ),
    "core.resident_exposure": (
        "exposure_month date, municipality_code varchar, age_years integer, sex_code varchar,"
        " person_days bigint"
    ),
}
OF_EQUALITY = {
    "core.person_month": OF_SAVINGS["core.person_month"],
    "core.person": "person_id bigint, language_code varchar, birth_country_code varchar",
    "core.client_quarter": (
        "person_id bigint, quarter_start_date date, event_count bigint, health_cost_eur"
        " decimal(18,2), social_cost_eur decimal(18,2), elderly_cost_eur decimal(18,2)"
    ),
    "core.encounter": (
        "encounter_month date, site_id varchar, contact_language_code varchar,"
        " service_language_code varchar"
    ),
}
OF_LIST = {
    "core.reached": VALUE_TABLES["core.reached"],
    "core.scorecard_indicator": "period_end_date date",
    "core.standardised_use": "use_code varchar, period_start_date date",
    "core.patient_reported_score": (
        "survey_code varchar, response_month date, scale_score decimal(5,1)"
    ),
    "core.enrolment": "valid_from_date date, known_to_seq bigint",
    "core.scorecard_staff": "period_end_date date",
    "core.staff_survey_response": "survey_date date",
    "core.client_fee": "charge_month date",
    "mart.savings_potential": "quarter_start_date date, savings_eur decimal(18,2)",
    "mart.visits_by_profession": "encounter_month date, encounter_count bigint",
    "core.site": "sector_code varchar, valid_from_date date",
    "mart.enrolled_by_provider": "enrolment_month date",
    "core.resident_cost": "cost_month date",
    "core.hospital_episode": "episode_month date",
    "mart.net_promoter": "response_month date, response_count bigint",
    "mart.equality": "quarter_start_date date",
    "mart.service_language": "encounter_month date, encounter_count bigint",
}
TABLE_3 = {
    *("bonus_sanction_indicators", "emergency_use", "specialised_care_use"),
    *("self_reported_health", "moves_between_providers", "staff_turnover"),
    *("staff_survey", "client_fees"),
}
TABLE_4 = {
    *("savings_potential", "visits_by_profession_and_type", "service_network", "client_profile"),
    *("total_costs", "client_fees", "specialised_care_use", "self_reported_health"),
    *("staff_experience", "client_experience", "new_practices", "providers_view"),
    *("equality", "service_language"),
}


@cache
def savings() -> Chain:
    return chain(("mart.savings_potential",), OF_SAVINGS)


def test_savings_potential_is_what_lies_above_the_best_quarter_standardised() -> None:
    """Four towns, 100 days each of the young and as many of the old as the costs expect."""
    euros = {"A": 80, "B": 90, "C": 110, "D": 120}
    lived = [(WINTER, town, 30, "1", 100) for town in euros]
    lived += [(WINTER, "", 30, "1", 100), (WINTER, "E", 30, "1", 1)]
    spent = [(WINTER, town, 30, "1", "P01", eur) for town, eur in euros.items()]
    spent += [(WINTER, "", 30, "1", "P01", 101), (WINTER, "E", 30, "1", "P12", 1000)]
    built = savings()
    built.run({"core.resident_exposure": lived, "core.resident_cost": spent})
    # 501 euros over 501 days: a euro a day, and the best quarter of four is the cheapest.
    assert built.rows(
        "select municipality_code, cost_eur, expected_cost_eur, best_ratio, savings_eur"
        " from mart.savings_potential order by municipality_code"
    ) == [
        ("", 101, 100, D("0.8"), None),
        ("A", 80, 100, D("0.8"), 0),
        ("B", 90, 100, D("0.8"), 10),
        ("C", 110, 100, D("0.8"), 30),
        ("D", 120, 100, D("0.8"), 40),
        ("E", 0, 1, D("0.8"), None),
    ]


def test_a_town_of_old_people_is_expected_to_cost_more() -> None:
    built = savings()
    built.run(
        {
            "core.resident_exposure": [
                (WINTER, "A", 30, "1", 100),
                (WINTER, "A", 80, "1", 300),
                (WINTER, "B", 30, "1", 300),
                (WINTER, "B", 80, "1", 100),
            ],
            "core.cost": [
                (1, WINTER, "hospital_emergency", 330),
                (2, WINTER, "hospital_emergency", 30),
                (3, WINTER, "psychiatric_emergency", 30),
                (4, WINTER, "hospital_visit", 999),
                (5, WINTER, "hospital_emergency", 999),
            ],
            "core.person_month": [
                (1, WINTER, "A", "1", date(1937, 1, 1)),
                (2, WINTER, "B", "1", date(1937, 1, 1)),
                (3, WINTER, "B", "1", date(1987, 1, 1)),
            ],
        }
    )
    # Old: 360 over 400 days; young: 30 over 400.
    assert built.rows(
        "select municipality_code, cost_eur, expected_cost_eur, savings_eur"
        " from mart.savings_potential order by municipality_code"
    ) == [("A", 330, D("277.50"), 182), ("B", 60, D("112.50"), 0)]


def test_use_is_told_by_sex_age_language_and_country_of_birth() -> None:
    built = chain(("mart.equality", "mart.service_language"), OF_EQUALITY)
    april = date(2017, 4, 1)
    built.run(
        {
            "core.person_month": [
                (1, april, "186", "1", date(2010, 4, 2)),
                (2, april, "186", "2", date(1950, 4, 1)),
                (3, april, None, "2", date(1990, 1, 1)),
                (2, date(2017, 5, 1), "186", "2", date(1950, 4, 1)),
            ],
            "core.person": [(1, "sv", "246"), (2, "et", "233"), (3, "fi", None)],
            "core.client_quarter": [(2, april, 5, 10, 3, 4), (9, april, 5, 10, 3, 4)],
            "core.encounter": [(april, "S1", "sv", "fi")] * 2 + [(april, "S1", None, "fi")],
        }
    )
    assert built.rows("from mart.equality order by all") == [
        (april, "age", "0-6", 1, 0, 0, 0, 0),
        (april, "age", "18-44", 1, 0, 0, 0, 0),
        (april, "age", "65-74", 1, 1, 5, 10, 7),
        (april, "birth_country", "abroad", 1, 1, 5, 10, 7),
        (april, "birth_country", "finland", 1, 0, 0, 0, 0),
        (april, "birth_country", "unknown", 1, 0, 0, 0, 0),
        (april, "language", "fi", 1, 0, 0, 0, 0),
        (april, "language", "other", 1, 1, 5, 10, 7),
        (april, "language", "sv", 1, 0, 0, 0, 0),
        (april, "sex", "1", 1, 0, 0, 0, 0),
        (april, "sex", "2", 2, 1, 5, 10, 7),
    ]
    assert built.rows("from mart.service_language") == [(april, "S1", "sv", "fi", 2)]


@cache
def checked_list() -> Chain:
    return chain(("mart.trial_followup",), OF_LIST)


def states(reached: date, **given: list[Row]) -> dict[tuple[str, str, str], str]:
    built = checked_list()
    fixed: dict[str, list[Row]] = {
        "core.reached": [(reached,)],
    }
    built.run(fixed | {name.replace("__", "."): rows for name, rows in given.items()})
    rows = built.rows(
        "select table_code, item_code, phase_code, followup_state_code from mart.trial_followup"
    )
    return {(table, item, phase): state for table, item, phase, state in rows}


def test_the_list_has_every_row_of_the_plans_tables() -> None:
    found = states(date(2017, 1, 31))
    assert {item for table, item, _ in found if table == "scorecard"} == TABLE_3
    assert {item for table, item, _ in found if table == "trial"} == TABLE_4
    assert {i for t, i, phase in found if (t, phase) == ("trial", "before")} == {
        *("savings_potential", "visits_by_profession_and_type", "total_costs", "client_fees"),
        *("specialised_care_use", "equality"),
    }
    assert {i for t, i, phase in found if (t, phase) == ("trial", "end")} == TABLE_4


def test_an_item_is_there_when_the_lake_has_it_of_the_phase() -> None:
    costs: dict[str, list[Row]] = {"core__resident_cost": [(date(2017, 4, 1),)]}
    before, fees = ("trial", "total_costs", "before"), ("trial", "client_fees", "before")
    assert states(date(2017, 4, 29), **costs)[before] == "gathering"
    found = states(date(2017, 6, 28), **costs)
    assert (found[before], found[fees]) == ("available", "not_due")
    found = states(date(2017, 6, 29), **costs)
    assert (found[before], found[fees]) == ("available", "missing")
    late = states(date(2020, 3, 1))
    assert late["trial", "new_practices", "end"] == "outside_lake"
    assert late["trial", "client_profile", "interim"] == "not_given"
    assert late["scorecard", "specialised_care_use", "end"] == "missing"
