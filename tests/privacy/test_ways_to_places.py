"""A row that names nobody leads to no protected person: tables are followed by the keys they share.

Here: corrective actions, which name a provider and the flag of a person, in every order of arrival;
every table of a region. Not here: rows that name the person (`test_protection_orders`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from dagster_project import pipeline
from dagster_project.lake import checks
from dagster_project.pipeline import Session
from tests.support.deliveries import RESIDENTS, Row, Sent, reference_lists, resident, sent, write
from tests.support.few_tables import few_tables
from tests.support.homes import new_settings, person, silent
from tests.support.identity import born, code
from tests.support.quick_lake import quick_build, quick_home
from tests.support.ways import keys_of, rows_leading

FLAGS, ACTIONS = "enrolment_portal/flags", "enrolment_portal/corrective_actions"
FREE, PROTECTED = code(0), code(1)


def flag(identifier: str, whose: str) -> Row:
    return {
        "flag_id": identifier,
        "role_code": "client",
        "person_id": whose,
        "provider_id": "P1",
        "site_id": "S1",
        "topic_code": "access",
        "severity_code": "minor",
        "raised_at": datetime(2017, 5, 3, 9),
        "language_code": "fi",
        "sentiment_code": "negative",
        "flag_state_code": "open",
        "updated_at": datetime(2017, 5, 3, 9),
    }


def action(identifier: str, flag_id: str, **others: Any) -> Row:
    row: dict[str, Any] = {
        "action_id": identifier,
        "flag_id": flag_id,
        "flag_count": 1,
        "provider_id": "P1",
        "topic_code": "access",
        "owner_role_code": "provider",
        "agreed_date": date(2017, 6, 21),
        "due_date": date(2017, 8, 1),
        "action_state_code": "agreed",
        "is_conflict": False,
        "updated_at": datetime(2017, 6, 21, 15),
    }
    return row | others


FLAGGED = sent(FLAGS, 201705, flag("F1", FREE), flag("F2", PROTECTED))
AGREED = sent(ACTIONS, 20170621, action("A1", "F1"), action("A2", "F2"))
ORDERED = sent(
    RESIDENTS,
    201705,
    resident(FREE, born(0)),
    resident(PROTECTED, born(1), has_protection_order=True),
)


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Session]:
    definition = few_tables(FLAGS, ACTIONS, without="mart.data_quality")
    with quick_home(new_settings(tmp_path), definition) as session:
        yield session


def bring(home: Session, *deliveries: Sent) -> None:
    for delivery in deliveries:
        write(home.lake.settings.landing, delivery)
    assert not pipeline.ingest(home, report=silent).refusals
    quick_build(home)


def led_to(home: Session, whose: str) -> set[str]:
    found = rows_leading(
        home.lake.connection, "lake", [person(home, whose)], keys_of(home.definition)
    )
    return {table.removeprefix("lake.") for table in found}


ACTIONS_OF_A_FLAG = {"staging.corrective_actions", "core.corrective_action"}


ORDERS = ((FLAGGED, AGREED, ORDERED), (AGREED, ORDERED, FLAGGED), (ORDERED, FLAGGED, AGREED))


@pytest.mark.parametrize("order", ORDERS, ids=("order", "flag", "action"))
def test_an_action_never_leads_to_a_protected_persons_flag(
    home: Session, order: tuple[Sent, ...]
) -> None:
    """Whichever comes last, with a build after each; the action and its provider stay."""
    for number, delivery in enumerate(order):
        bring(home, delivery, *(reference_lists() if not number else ()))
    assert led_to(home, FREE) == ACTIONS_OF_A_FLAG
    assert led_to(home, PROTECTED) == set()
    assert home.lake.rows(
        "select action_id, flag_id, provider_id from core.corrective_action order by all"
    ) == [("A1", "F1", "P1"), ("A2", None, "P1")]


def test_each_version_of_an_action_is_cut_and_a_later_one_too(home: Session) -> None:
    bring(home, *reference_lists(), FLAGGED, AGREED)
    assert led_to(home, PROTECTED) == ACTIONS_OF_A_FLAG
    bring(home, ORDERED)
    again = action("A2", "F2", action_state_code="done", updated_at=datetime(2017, 8, 21, 15))
    bring(home, sent(ACTIONS, 20170821, again))
    assert led_to(home, PROTECTED) == set()
    assert home.lake.count("select count(*) from staging.corrective_actions") == 3


def test_a_blocking_check_finds_an_action_that_leads_to_a_protected_person(home: Session) -> None:
    bring(home, *reference_lists(), FLAGGED, AGREED, ORDERED)
    (check,) = (
        c
        for c in checks.all_checks(home.definition.catalogue)
        if c.id == "staging.corrective_actions.flag_id_leads_to_nobody_protected"
    )
    assert checks.evaluate(home.lake, check).violated == 0
    home.lake.execute("update lake.staging.corrective_actions set flag_id = 'F2'")
    assert checks.evaluate(home.lake, check).violated == 2
