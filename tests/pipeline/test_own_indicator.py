"""An indicator of one's own, added by two files; and months that come one by one or all at once.

Here: whole runs over a few rows, on the quick lake. Not here: what indicators count (`tests/spec`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.errors import BuildError
from dagster_project.incentive_worth import without_score, worths
from dagster_project.pipeline import Definition, Session
from dagster_project.vault.keys import create_keyring
from tests.support.deliveries import (
    DIAGNOSES,
    ENCOUNTERS,
    ENROLMENTS,
    RESIDENTS,
    Row,
    Sent,
    diagnosis,
    encounter,
    enrolment,
    reference_lists,
    resident,
    sent,
)
from tests.support.homes import contents, differences, new_settings, take_in, turn
from tests.support.identity import born, code
from tests.support.quick_lake import quick_build, quick_home

MEASUREMENTS = "apotti/measurements"
MONTHS = tuple(range(201705, 201713))
CODES = tuple(code(n) for n in range(4))

YAML = """\
id: remote_share
names: {fi: Etäasioinnin osuus, sv: Andelen kontakter på distans, en: Share of remote contacts}
aim: cost_efficiency
services: [reception]
unit: pct
direction: up
interval: wilson
numerator: {model: core.encounter, counts: contacts that are no visits}
denominator: {model: core.encounter, counts: contacts}
reporter: lake
deliveries: [apotti/encounters]
due_days: 10
minimum_denominator: "5"
calendar: {from: 2017-05-01, end_months: [3, 6, 9, 12]}
scale:
  2017-05-01: {floor: "0", target: "40", ceiling: "100", source: ours}
weight:
  2017-10-01: {reception: "0.1", source: ours}
source: ours
"""
SQL = """\
-- grain: One row per provider and period.
-- key: [provider_id, period_start_date]
-- may_be_empty: the source may not have begun to send
select
    site.provider_id,
    period.period_start_date,
    count(case when encounter.contact_type_code <> 'R10' then 1 end) as numerator,
    count(*) as denominator
from core.encounter as encounter
inner join core.site as site on encounter.site_id = site.site_id
inner join core.indicator_period as period
    on
        encounter.encounter_date >= period.period_start_date
        and encounter.encounter_date <= period.period_end_date
group by site.provider_id, period.period_start_date
"""


@pytest.fixture(scope="module")
def definition(tmp_path_factory: pytest.TempPathFactory) -> Definition:
    """The installation's, with one more indicator from a folder."""
    folder = tmp_path_factory.mktemp("own")
    (folder / "indicator").mkdir()
    (folder / "indicator" / "remote_share.yaml").write_text(YAML, encoding="utf-8")
    (folder / "indicator" / "remote_share.sql").write_text(SQL, encoding="utf-8")
    return pipeline._loaded(pipeline.CONTRACTS, None, folder)


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "keys"
    create_keyring(path)
    return path


def result(number: int, person: str, day: datetime, value: str) -> Row:
    return {
        "measurement_id": number,
        "person_id": person,
        "site_id": "S1",
        "measured_at": day,
        "test_code": "6128",
        "value_text": value,
        "unit": "mmol/mol",
        "status_code": "final",
        "updated_at": day,
    }


def of_month(month: int) -> list[Sent]:
    """Six contacts with each of four clients, two of them remote; an HbA1c in odd months."""
    year, number = divmod(month, 100)
    first = month * 100
    days = [datetime(year, number, 2 + n, 9) for n in range(6)]
    met = [
        encounter(first + 10 * p + n, c, day, site_id="S1" if p < 3 else "S3",
                  contact_type_code="R52" if n < 2 else "R10")
        for p, c in enumerate(CODES) for n, day in enumerate(days)
    ]  # fmt: skip
    found = [
        sent(RESIDENTS, month, *(resident(c, born(n)) for n, c in enumerate(CODES))),
        sent(ENCOUNTERS, month, *met),
    ]
    if month == MONTHS[0]:
        ill = (diagnosis(first + 10 * p, c, days[0].date(), icd10_code="E11")
               for p, c in enumerate(CODES))  # fmt: skip
        found.append(sent(DIAGNOSES, month, *ill))
        chosen = (enrolment(f"e{p}", c, date(2017, 5, 2)) for p, c in enumerate(CODES[:2]))
        found.append(sent(ENROLMENTS, month, *chosen))
    if number % 2:
        values = (result(first + p, c, days[1], str(40 + 5 * p)) for p, c in enumerate(CODES))
        found.append(sent(MEASUREMENTS, month, *values))
    return found


ALL = [*reference_lists(), *(delivery for month in MONTHS for delivery in of_month(month))]


@pytest.fixture
def home(tmp_path: Path, keys: Path, definition: Definition) -> Iterator[Session]:
    with quick_home(new_settings(tmp_path, keys=keys), definition) as session:
        yield session


def test_an_indicator_is_added_by_two_files(home: Session) -> None:
    """Of 6 contacts a month and client two are remote: a third, of three clients at P1."""
    assert not take_in(home, *ALL).refusals
    quick_build(home)
    found = home.lake.rows(
        "select provider_id, period_start_date, numerator, denominator, value, state_code"
        " from mart.indicator_value where indicator_id = 'remote_share' order by all"
    )
    first, second = date(2017, 5, 1), date(2017, 10, 1)
    assert [(p, d, int(n), int(m), round(float(v), 2), s) for p, d, n, m, v, s in found] == [
        ("P1", first, 30, 90, 33.33, "measured"),
        ("P1", second, 18, 54, 33.33, "measured"),
        ("P2", first, 10, 30, 33.33, "measured"),
        ("P2", second, 6, 18, 33.33, "measured"),
    ]
    weighed = home.lake.rows(
        "select period_start_date, count(*), sum(weight), max(case when indicator_id ="
        " 'remote_share' then weight end) from mart.incentive_contribution"
        " where provider_id = 'P1' and scheme_id = 'reception' group by all order by all"
    )
    assert weighed == [(first, 18, 1, None), (second, 19, 1, Decimal("0.1"))]
    balanced = home.lake.rows(
        "select provider_id, numerator, denominator from indicator.hba1c_in_balance"
        " where period_start_date = date '2017-05-01' order by all"
    )
    assert balanced == [("P1", 3, 4)]  # 40, 45 and 50 are below 53, and 55 is not


def test_too_little_measured_is_no_score_and_no_euros(home: Session) -> None:
    """Nothing but contacts, choices and HbA1c came: the rest is at the floor or unknown."""
    assert not take_in(home, *ALL).refusals
    quick_build(home)
    period = date(2017, 10, 1)
    measured = dict(
        home.lake.rows(
            "select indicator_id, weight from mart.incentive_contribution where counted_part"
            " is not null and provider_id = 'P1' and scheme_id = 'reception'"
            " and period_start_date = ?",
            [period],
        )
    )
    told = {(s, p): weight for s, p, weight in without_score(home.lake, period)}
    assert told["reception", "P1"] == sum(measured.values())
    assert {one.provider_id for one in worths(home.lake, period)} & {p for _, p in told} == set()
    with pytest.raises(BuildError, match=r"no period starts in 2017-11; .*2017-05, 2017-10"):
        worths(home.lake, date(2017, 11, 1))


def test_months_one_by_one_give_what_all_at_once_gives(
    home: Session, tmp_path: Path, keys: Path, definition: Definition
) -> None:
    lists, months = reference_lists(), [of_month(month) for month in MONTHS]
    assert not take_in(home, *lists, *(d for month in months[:4] for d in month)).refusals
    quick_build(home)
    for late in (months[5], months[4], [*months[6], *months[7]]):
        assert not take_in(home, *late).refusals
        quick_build(home)
    turn(home, ENCOUNTERS, MONTHS[2])
    turn(home, MEASUREMENTS, MONTHS[4])
    quick_build(home)
    stepwise = contents(home, without=("mart.data_quality",))
    with quick_home(new_settings(tmp_path / "whole", keys=keys), definition) as whole:
        assert not take_in(whole, *ALL).refusals
        turn(whole, ENCOUNTERS, MONTHS[2])
        turn(whole, MEASUREMENTS, MONTHS[4])
        quick_build(whole)
        assert differences(stepwise, contents(whole, without=("mart.data_quality",))) == {}
    assert stepwise["indicator.hba1c_in_balance"]
    assert stepwise["indicator.continuity_of_care"]
    assert stepwise["indicator.switches_away"]
