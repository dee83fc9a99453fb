"""Residence and enrolment by scenario: YAML that a lawyer can read, held against the SQL.

Here: reading the scenarios. The slow reference is held against the same ones, so that the property
tests stand on a reference that says what people agreed on.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

import pytest
import yaml

from dagster_project.pipeline import load_definition
from tests.support import reference
from tests.support.benches import (
    REGION,
    enrolment_bench,
    enrolment_by_sql,
    residence_bench,
    residence_by_sql,
    residence_rows,
)
from tests.support.reference import Choice, Known, Snapshot, Statement, Stay, Version

Scenario = dict[str, Any]


def scenarios(name: str) -> list[Any]:
    """The scenarios of a file, each as a test of its own name."""
    text = (Path(__file__).parent / f"{name}.yaml").read_text(encoding="utf-8")
    return [pytest.param(s, id=s["name"].replace(" ", "-")) for s in yaml.safe_load(text)]


def place(text: str | None) -> tuple[str, str] | None:
    if text is None:
        return None
    municipality, postal = text.split()
    return municipality, postal


def snapshots(scenario: Scenario) -> list[Snapshot]:
    delivery = load_definition().catalogue.latest("population_register/residents").delivery
    steady = Statement(99, ("091", "00900"), date(2000, 1, 1))
    return [
        Snapshot(
            sequence,
            delivery.last_date(sequence),
            (
                steady,
                *(
                    Statement(r["person"], place(r["place"]), r["moved"], r.get("death"))
                    for r in listed
                ),
            ),
        )
        for sequence, listed in scenario["snapshots"].items()
    ]


def stays(scenario: Scenario) -> set[Known[Stay]]:
    return {
        Known(Stay(e["person"], place(e["place"]), *e["valid"]), *e["known"])
        for e in scenario["expect"]
    }


def residence_sql(scenario: Scenario) -> list[Known[Stay]]:
    return residence_by_sql(residence_bench(), snapshots(scenario), scenario.get("alias"))


def residence_reference(scenario: Scenario) -> list[Known[Stay]]:
    return list(reference.residence(snapshots(scenario), scenario.get("alias")))


@pytest.mark.parametrize("scenario", scenarios("residence"))
@pytest.mark.parametrize("said_by", [residence_sql, residence_reference], ids=["sql", "reference"])
def test_residence(scenario: Scenario, said_by: Callable[[Scenario], list[Known[Stay]]]) -> None:
    rows = [row for row in said_by(scenario) if row.fact.person != 99]
    assert set(rows) == stays(scenario)
    assert len(rows) == len(scenario["expect"])


def test_a_protected_person_has_the_areas_region_and_others_that_of_their_municipality() -> None:
    said = [
        {"person": 1, "place": None, "moved": date(2010, 5, 1)},
        {"person": 2, "place": "091 00100", "moved": date(2010, 5, 1)},
        {"person": 3, "place": "999 00100", "moved": date(2010, 5, 1)},
    ]
    rows = residence_rows(residence_bench(), snapshots({"snapshots": {201701: said}}))
    regions = {r["person_id"]: (r["municipality_code"], r["region_code"]) for r in rows}
    assert regions == {1: (None, REGION), 2: ("091", REGION), 3: ("999", None), 99: ("091", REGION)}


def versions(scenario: Scenario) -> list[Version]:
    return [
        Version(
            sequence=sequence,
            enrolment=v["id"],
            person=v["client"],
            service="reception",
            provider=provider(v["site"]),
            site=v["site"],
            start=v["start"],
            end=v.get("end"),
            updated=datetime.combine(v["saved"], time(9)),
        )
        for sequence, sent in scenario["increments"].items()
        for v in sent
    ]


def provider(site: str) -> str:
    return "P2" if site == "S3" else "P1"


def choices(scenario: Scenario) -> set[Known[Choice]]:
    return {
        Known(
            Choice(
                e["id"],
                e["client"],
                "reception",
                provider(e["site"]),
                e["site"],
                valid_from=e["valid"][0],
                valid_to=e["valid"][1],
                is_ended_by_next=e.get("by_next", False),
                is_early_change=e.get("early", False),
            ),
            *e["known"],
        )
        for e in scenario["expect"]
    }


def enrolment_sql(scenario: Scenario) -> list[Known[Choice]]:
    return enrolment_by_sql(enrolment_bench(), versions(scenario))


def enrolment_reference(scenario: Scenario) -> list[Known[Choice]]:
    return list(reference.enrolment(versions(scenario)))


@pytest.mark.parametrize("scenario", scenarios("enrolment"))
@pytest.mark.parametrize("said_by", [enrolment_sql, enrolment_reference], ids=["sql", "reference"])
def test_enrolment(scenario: Scenario, said_by: Callable[[Scenario], list[Known[Choice]]]) -> None:
    rows = said_by(scenario)
    assert set(rows) == choices(scenario)
    assert len(rows) == len(scenario["expect"])
