"""Answers, flags, actions and scorecards: rows in force in, rows of core out, by hand.

Here: one core model at a time over a few rows. Not here: which version is in force
(`test_feedback_in_a_lake`), how files are read (`tests/bad_input/test_feedback_files`).
"""

from __future__ import annotations

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from dagster_project.pipeline import load_definition
from tests.support.models import Bench, Table, bench

ALIAS, SITE = "alias_person_id bigint, person_id bigint", "site_id varchar"
PROVIDER = "provider_id varchar"
MORNING = datetime(2017, 5, 31, 22, 30)
"""UTC; in Helsinki 1 June has begun."""


def columns(table: str) -> str:
    """Columns of a staging table, as the lake has them."""
    catalogue = load_definition().catalogue
    contract = next(catalogue.latest(k) for k in catalogue.tables() if k.endswith(f"/{table}"))
    own = ", ".join(f"{c.name} {c.sql_type}" for c in contract.lake_columns)
    return f"{own}, delivery_sequence bigint, record_number bigint"


def row(table: str, **values: Any) -> tuple[Any, ...]:
    """A staged row; what is not told is NULL."""
    names = [c.split()[0] for c in columns(table).replace("(18,2)", "(18.2)").split(", ")]
    assert values.keys() <= set(names)
    return tuple(values.get(name) for name in names)


def staged(*tables: str) -> dict[str, str]:
    return {f"current.{table}": columns(table) for table in tables}


# Answers.

GIVEN = {f"global{n:02}": n % 5 + 1 for n in range(1, 11)} | {"global08": None}
HEALTH = row(
    "health_survey",
    answer_set_id="T1",
    person_id=7,
    provider_id="Y001",
    answered_at=MORNING,
    language_code="sv",
    instrument_code="PROMIS-10",
    instrument_version="1.2",
    round_number=2,
    delivery_sequence=201706,
    record_number=3,
    **GIVEN,
)
PANEL = row(
    "patient_reported",
    response_id="T1",
    item_code="S3",
    person_id=8,
    instrument_code="WHODAS-12",
    answered_date=date(2017, 6, 30),
    cohort_code="need",
    answer=4,
    delivery_sequence=201706,
    record_number=1,
)
VISIT = {
    "response_id": "K1",
    "site_id": "S1",
    "provider_id": "Y001",
    "answered_at": MORNING,
    "recommendation": 9,
    "listened_answer": 5,
    "sentiment_code": "positive",
    "delivery_sequence": 201706,
    "record_number": 2,
}


@pytest.fixture(scope="module")
def responses() -> Bench:
    tables = staged("health_survey", "patient_reported", "experience")
    return bench("core.survey_response", tables | {"core.person_alias": ALIAS, "core.site": SITE})


def test_a_form_of_the_portal_is_a_row_for_each_item(responses: Bench) -> None:
    rows = responses.run({"current.health_survey": [HEALTH]})
    assert {r["item_code"]: r["answer"] for r in rows} == {
        f"Global{n:02}": GIVEN[f"global{n:02}"] for n in range(1, 11)
    }
    shared = {
        (r["survey_code"], r["response_id"], r["person_id"], r["provider_id"], r["round_number"])
        for r in rows
    }
    assert shared == {("health_survey", "T1", 7, "Y001", 2)}
    assert {(r["answered_date"], r["response_month"]) for r in rows} == {
        (date(2017, 6, 1), date(2017, 6, 1))
    }


def test_an_item_passed_over_is_a_row_without_answer(responses: Bench) -> None:
    rows = responses.run({"current.health_survey": [HEALTH]})
    assert [r["item_code"] for r in rows if r["answer"] is None] == ["Global08"]


def test_three_surveys_stand_side_by_side_though_their_numbers_be_the_same(
    responses: Bench,
) -> None:
    rows = responses.run(
        {
            "current.health_survey": [HEALTH],
            "current.patient_reported": [PANEL],
            "current.experience": [row("experience", **VISIT)],
            "core.site": [("S1",), ("S1",)],
        }
    )
    keys = [(r["survey_code"], r["response_id"], r["item_code"]) for r in rows]
    assert len(keys) == len(set(keys)) == 10 + 1 + 6
    (panel,) = (r for r in rows if r["survey_code"] == "patient_reported")
    assert (panel["item_code"], panel["answer"], panel["cohort_code"]) == ("S3", 4, "need")


def test_experience_names_a_site_and_nobody(responses: Bench) -> None:
    rows = responses.run(
        {"current.experience": [row("experience", **VISIT)], "core.site": [("S1",)]}
    )
    given = {r["item_code"]: r["answer"] for r in rows}
    assert given == {
        "NPS": 9,
        "access": None,
        "listened": 5,
        "involved": None,
        "informed": None,
        "benefit": None,
    }
    assert {(r["person_id"], r["site_id"], r["instrument_code"]) for r in rows} == {
        (None, "S1", "NPS")
    }


def test_experience_of_a_site_nobody_knows_waits(responses: Bench) -> None:
    assert responses.run({"current.experience": [row("experience", **VISIT)]}) == []


def test_answers_under_a_former_code_are_the_persons(responses: Bench) -> None:
    rows = responses.run(
        {
            "current.health_survey": [HEALTH],
            "current.patient_reported": [PANEL],
            "core.person_alias": [(7, 70), (8, 80)],
        }
    )
    assert {(r["survey_code"], r["person_id"]) for r in rows} == {
        ("health_survey", 70),
        ("patient_reported", 80),
    }


# Flags and actions.


@pytest.fixture(scope="module")
def flags() -> Bench:
    return bench("core.flag", staged("flags") | {"core.person_alias": ALIAS, "core.site": SITE})


def flag(identifier: str, **values: Any) -> tuple[Any, ...]:
    return row("flags", flag_id=identifier, raised_at=MORNING, **values)


def test_a_flag_has_helsinkis_day_and_its_person_or_nobody(flags: Bench) -> None:
    rows = flags.run(
        {
            "current.flags": [
                flag("F1", person_id=7, site_id="S1"),
                flag("F2", site_id="S1", role_code="provider"),
                flag("F3", person_id=8),
                flag("F4", person_id=8, site_id="S9"),
            ],
            "core.person_alias": [(7, 70)],
            "core.site": [("S1",), ("S1",)],
        }
    )
    found = {r["flag_id"]: (r["person_id"], r["site_id"], r["raised_date"]) for r in rows}
    day = date(2017, 6, 1)
    # F3 is a protected person's, or about no site; F4 waits, for nobody knows the site.
    assert found == {"F1": (70, "S1", day), "F2": (None, "S1", day), "F3": (8, None, day)}


ACTIONS: list[tuple[str, dict[str, Any], bool]] = [
    ("a flag that is known", {"flag_id": "F1", "flag_count": 3}, True),
    ("an indicator", {"indicator_code": "nps", "flag_count": 0}, True),
    ("a flag nobody knows", {"flag_id": "F9", "flag_count": 1}, False),
]


@pytest.mark.parametrize(("what", "grounds", "is_kept"), ACTIONS, ids=[a[0] for a in ACTIONS])
def test_an_action_on_a_flag_waits_for_it(
    what: str, grounds: dict[str, Any], is_kept: bool
) -> None:
    model = bench(
        "core.corrective_action", staged("corrective_actions") | {"core.flag": "flag_id varchar"}
    )
    action = row("corrective_actions", action_id="A1", is_conflict=True, **grounds)
    rows = model.run({"current.corrective_actions": [action], "core.flag": [("F1",)]})
    assert [r["action_id"] for r in rows] == (["A1"] if is_kept else []), what
    assert all(r["is_conflict"] and r["flag_id"] == grounds.get("flag_id") for r in rows)


# Scorecards and staff.


@pytest.mark.parametrize(
    ("model", "table", "values"),
    [
        ("core.scorecard_indicator", "indicators", {"indicator_code": "nps"}),
        ("core.scorecard_staff", "staff", {"profession_group_code": "nurse"}),
    ],
)
def test_a_figure_of_an_earlier_period_is_known_by_its_workbook(
    model: str, table: str, values: dict[str, Any]
) -> None:
    known = staged(table) | {"core.provider": PROVIDER}
    ended, before = date(2017, 12, 31), date(2017, 9, 30)
    rows: Table = [
        row(table, provider_id=p, period_end_date=e, reported_to_date=ended, **values)
        for p, e in (("Y001", ended), ("Y001", before), ("Y099", ended))
    ]
    found = bench(model, known).run({f"current.{table}": rows, "core.provider": [("Y001",)]})
    assert {(r["provider_id"], r["period_end_date"], r["is_of_later_workbook"]) for r in found} == {
        ("Y001", ended, False),
        ("Y001", before, True),
    }


def test_reported_figures_come_through_to_the_cent() -> None:
    known = staged("indicators") | {"core.provider": PROVIDER}
    figures = {
        "reported_numerator": Decimal("130.00"),
        "reported_denominator": Decimal("20.00"),
        "reported_value": Decimal("6.50"),
    }
    sent = row("indicators", provider_id="Y001", unit_code="days", **figures)
    (found,) = bench("core.scorecard_indicator", known).run(
        {"current.indicators": [sent], "core.provider": [("Y001",)]}
    )
    assert {name: found[name] for name in figures} == figures


def test_staffs_answers_of_a_provider_nobody_knows_wait() -> None:
    known = staged("staff_survey") | {"core.provider": PROVIDER}
    sent = [
        row("staff_survey", provider_id=p, respondent_number=n, item_code="workload", answer=n)
        for n, p in enumerate(("Y001", "Y099"), start=1)
    ]
    found = bench("core.staff_survey_response", known).run(
        {"current.staff_survey": sent, "core.provider": [("Y001",)]}
    )
    assert [(r["provider_id"], r["answer"]) for r in found] == [("Y001", 1)]
