"""Code lists, permits, limits and the service catalogue in the synthetic region.

Here: that lists cover what the region uses, change within the window, and agree with the sites. Not
here: that a manifest lists exactly the bad rows (`test_synthetic_region`).
"""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path
from typing import Any

import polars as pl
import pytest

from dagster_project.synthetic.code_lists import (
    ACCESS_LIMITS,
    AVOHILMO,
    ICD10,
    ICPC2,
    PERMITS,
    POSTAL_CODES,
    PROCEDURES,
    SPECIALITIES,
    DatedList,
    dated_lists,
)
from dagster_project.synthetic.months import window
from dagster_project.synthetic.parameters import Parameters, load_parameters
from dagster_project.synthetic.reference import business_id
from dagster_project.synthetic.region import make_deliveries
from dagster_project.synthetic.services import SERVICES, offers

PARAMETERS = load_parameters()
LISTS = dated_lists(PARAMETERS)
START, END = date(2017, 1, 1), date(2018, 12, 31)


def column(key: str, name: str, **where: str) -> set[str]:
    dated: DatedList = LISTS[key]
    chosen = [dict(zip(dated.columns, e.values, strict=True)) for e in dated.entries]
    return {str(r[name]) for r in chosen if all(r[k] == v for k, v in where.items())}


def of_contacts(parameters: Parameters) -> dict[str, set[str]]:
    kinds = parameters.contacts["kinds"]
    return {
        "service_form": {k["service"] for k in kinds},
        "contact_type": {k["contact_type"] for k in kinds},
        "profession": set(parameters.contacts["professions"].values()),
        "urgency": {"1", "2", "3"},
    }


@pytest.mark.parametrize(("code_set", "used"), of_contacts(PARAMETERS).items())
def test_every_code_of_contacts_is_listed(code_set: str, used: set[str]) -> None:
    assert used <= column(AVOHILMO, "code", code_set=code_set)


def test_every_diagnosis_act_speciality_and_postal_code_is_listed() -> None:
    diagnoses, clinical = PARAMETERS.diagnoses, PARAMETERS.clinical
    acts = {a[0] for acts in clinical["procedures"]["acts"].values() for a in acts}
    assert {c for row in diagnoses["icd10"] for c in row[:2] if c} <= column(ICD10, "code")
    assert {row[0] for row in diagnoses["icpc2"]} <= column(ICPC2, "code")
    assert acts <= column(PROCEDURES, "code")
    assert {s[0] for s in clinical["referrals"]["specialities"]} <= column(SPECIALITIES, "code")
    assert set(PARAMETERS.postal_codes) <= column(POSTAL_CODES, "postal_code")


def test_a_diagnosis_lies_in_the_chapter_of_its_letter() -> None:
    chapters = {e.values[0]: e.values[2] for e in LISTS[ICD10].entries}
    found = {code: chapters[code] for code in ("C61", "D259", "D509", "H251", "H903", "S525")}
    assert found == {
        **{"C61": "II", "D259": "II", "D509": "III", "H251": "VII", "H903": "VIII"},
        "S525": "XIX",
    }
    assert (chapters["W01"], chapters["Z004"], chapters["U071"]) == ("XX", "XXI", "XXII")


@pytest.mark.parametrize("key", [k for k in LISTS if k != ACCESS_LIMITS])
def test_a_list_changes_within_the_window(key: str) -> None:
    days = LISTS[key].delivery_days(START, END)
    assert len(days) > 1
    first, last = LISTS[key].known_on(days[0]), LISTS[key].known_on(days[-1])
    ended = last.filter(pl.col("valid_to_date").is_not_null())
    assert len(ended) > first["valid_to_date"].count()


@pytest.mark.parametrize("key", LISTS)
def test_a_list_never_loses_a_row_nor_says_what_is_to_come(key: str) -> None:
    dated = LISTS[key]
    days = dated.delivery_days(date(2005, 1, 1), date(2025, 12, 31))
    seen: set[tuple[Any, ...]] = set()
    for day in days:
        known = dated.known_on(day)
        rows = set(known.drop("valid_to_date").iter_rows())
        assert seen <= rows
        assert len(rows) == len(known)
        assert all(date.fromisoformat(d) <= day for d in known["valid_from_date"])
        assert all(date.fromisoformat(d) <= day for d in known["valid_to_date"].drop_nulls())
        seen = rows


@pytest.mark.parametrize(
    ("guarantee", "age", "day", "due"),
    [
        ("primary_care", 40, date(2017, 5, 1), ("3", "month")),
        ("primary_care", 40, date(2023, 8, 31), ("3", "month")),
        ("primary_care", 40, date(2023, 9, 1), ("14", "day")),
        ("primary_care", 22, date(2025, 1, 1), ("14", "day")),
        ("primary_care", 23, date(2025, 1, 1), ("3", "month")),
        ("oral_health", 40, date(2017, 5, 1), ("6", "month")),
        ("oral_health", 40, date(2024, 10, 31), ("4", "month")),
        ("oral_health", 40, date(2024, 11, 1), ("3", "month")),
        ("oral_health", 40, date(2025, 1, 1), ("6", "month")),
        ("therapy", 22, date(2025, 5, 1), ("28", "day")),
        ("therapy", 23, date(2025, 5, 1), None),
        ("specialised_assessment", 40, date(2018, 5, 1), ("3", "week")),
        ("specialised_care", 40, date(2018, 5, 1), ("6", "month")),
        ("social_assessment", 80, date(2018, 5, 1), ("7", "weekday")),
        ("social_decision", 40, date(2018, 5, 1), ("3", "month")),
    ],
)
def test_the_limit_of_a_day_and_age(
    guarantee: str, age: int, day: date, due: tuple[str, str] | None
) -> None:
    dated = LISTS[ACCESS_LIMITS]
    rows = [
        (dict(zip(dated.columns, e.values, strict=True)), e.valid_from, e.valid_to)
        for e in dated.entries
    ]
    found = [
        (row["limit_count"], row["limit_unit_code"])
        for row, start, end in rows
        if row["guarantee_code"] == guarantee
        and row["reason_code"] in ("any", "mental_health" if guarantee == "therapy" else "any")
        and int(row["from_age_years"] or 0) <= age < int(row["to_age_years"] or 999)
        and start <= day < (end or date.max)
    ]
    assert found == ([due] if due else [])


def test_every_private_site_has_a_permit_when_it_opens_but_for_the_late_one() -> None:
    permits = [(e.values[1], e.values[2], e.valid_from, e.valid_to) for e in LISTS[PERMITS].entries]
    providers = PARAMETERS.sites["providers"]
    without = {
        site
        for site, _, provider, service, _, _, first, _ in PARAMETERS.sites["sites"]
        if providers[provider]["sector"] == "private"
        and not any(
            (s, v) == (site, service) and start <= first < (end or date.max)
            for s, v, start, end in permits
        )
    }
    assert without == set(PARAMETERS.permits["late"])


@pytest.fixture(scope="module")
def landing(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("lists")
    make_deliveries(
        folder / "landing", residents=1_000, months=6, manifest=folder / "manifest.json"
    )
    return folder


def document(landing: Path, sequence: int) -> dict[str, Any]:
    path = landing / "landing" / SERVICES / f"services_{sequence}.json"
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    return found


def test_the_catalogue_names_organisations_that_the_sites_know(landing: Path) -> None:
    known = {business_id(n) for n in range(len(PARAMETERS.sites["providers"]))}
    page = document(landing, 201706)
    assert page["version"] == "v11"
    named = {
        o["organization"]["businessCode"] for r in page["itemList"] for o in r["organizations"]
    }
    assert len(named & known) >= len(PARAMETERS.area) + 8
    assert len(named - known) <= 1  # of a record that is bad on purpose


def test_services_come_with_sites_and_go(landing: Path) -> None:
    april, may = ({o.name for o in offers(PARAMETERS, month)} for month in window(201704, 2))
    assert {n.split()[-1] for n in may - april} == {
        row[0]
        for row in PARAMETERS.sites["sites"]
        if row[2].startswith("Y") and row[6] == date(2017, 5, 1)
    }
    march = {o.name for o in offers(PARAMETERS, window(201703, 1)[0])}
    assert march - april == {"Palveluseteli kotihoitoon"}
    assert april - march == {"Henkilökohtainen budjetti"}
    assert len(document(landing, 201705)["itemList"]) > len(document(landing, 201704)["itemList"])


def test_every_kind_of_bad_record_is_planted_and_listed(landing: Path) -> None:
    manifest = json.loads((landing / "manifest.json").read_text("utf-8"))
    listed = [row for row in manifest["dirty_rows"] if row["file"].startswith(SERVICES)]
    assert {row["rule_id"] for row in listed} == {kind[2] for kind in PARAMETERS.ptv["dirt"]}
    for row in listed:
        sequence = int(row["file"][-11:-5])
        assert row["record_number"] <= len(document(landing, sequence)["itemList"])


def test_bilingual_services_have_both_names_and_languages(landing: Path) -> None:
    records = document(landing, 201701)["itemList"][:-1]
    for record in records:
        languages = [name["language"] for name in record["serviceNames"]]
        assert languages == [x for x in ("fi", "sv") if x in record["languages"]]
