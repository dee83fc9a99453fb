"""Feedback through gate, staging and core: the newest version counts, in any order of arrival.

Here: whole histories of a few rows. Not here: single models (`test_feedback_models`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from itertools import permutations
from pathlib import Path
from typing import Any

import pytest
from openpyxl.worksheet.worksheet import Worksheet

from dagster_project import pipeline
from dagster_project.lake import checks
from dagster_project.pipeline import Session, load_definition
from tests.support.deliveries import (
    RESIDENTS,
    Row,
    reference_lists,
    resident,
    sent,
    site,
    write,
    write_all,
)
from tests.support.homes import new_settings, silent
from tests.support.identity import born, code
from tests.support.quick_lake import quick_build, quick_home
from tests.support.scorecard_files import INDICATORS, STAFF, scorecard

FLAGS, ACTIONS = "enrolment_portal/flags", "enrolment_portal/corrective_actions"
EXPERIENCE, HEALTH = "surveys/experience", "enrolment_portal/health_survey"
WORDS = "Odotin kuukauden"


def flag(identifier: str, person: int | None, saved: datetime, **others: Any) -> Row:
    return {
        "flag_id": identifier,
        "role_code": "client" if person is not None else "provider",
        "person_id": None if person is None else code(person),
        "provider_id": "P1",
        "site_id": "S1",
        "topic_code": "access",
        "severity_code": "minor",
        "raised_at": datetime(2017, 5, 3, 9),
        "message_text": f"{WORDS}, {code(0)}",
        "language_code": "fi",
        "sentiment_code": "negative",
        "flag_state_code": "open",
        "updated_at": saved,
        **others,
    }


def action(identifier: str, flag_id: str) -> Row:
    return {
        "action_id": identifier,
        "flag_id": flag_id,
        "flag_count": 1,
        "provider_id": "P1",
        "topic_code": "access",
        "description_text": f"{WORDS}, soitetaan",
        "owner_role_code": "provider",
        "agreed_date": date(2017, 6, 21),
        "due_date": date(2017, 8, 1),
        "action_state_code": "agreed",
        "is_conflict": False,
        "updated_at": datetime(2017, 6, 21, 15),
    }


def experience(identifier: str, site_id: str) -> Row:
    return {
        "response_id": identifier,
        "site_id": site_id,
        "provider_id": "P1",
        "answered_at": datetime(2017, 5, 3, 9),
        "channel_code": "sms",
        "language_code": "fi",
        "recommendation": 10,
        "comment_text": f"{WORDS}; {code(1)}",
    }


HANDLED = datetime(2017, 6, 28, 9)
DELIVERIES = (
    sent(
        FLAGS,
        201705,
        flag("F1", 0, datetime(2017, 5, 3, 9)),
        flag("F2", None, datetime(2017, 5, 3, 9)),
        flag("F3", 1, datetime(2017, 5, 3, 9)),
    ),
    sent(FLAGS, 201706, flag("F1", 0, HANDLED, flag_state_code="handled")),
    sent(ACTIONS, 20170621, action("A1", "F1"), action("A2", "F9")),
    sent(EXPERIENCE, 201705, experience("K1", "S1"), experience("K2", "S9")),
    sent(
        RESIDENTS,
        201705,
        resident(code(0), born(0)),
        resident(code(1), born(1), has_protection_order=True),
    ),
)


def state(session: Session) -> dict[str, list[tuple[Any, ...]]]:
    """What core holds of feedback, by table."""
    lake = session.lake
    return {
        "flags": lake.rows(
            "select flag_id, flag_state_code, provider_id, site_id from core.flag order by all"
        ),
        "actions": lake.rows("select action_id from core.corrective_action order by all"),
        "answers": lake.rows(
            "select response_id, item_code, answer from core.survey_response"
            " where answer is not null order by all"
        ),
        "waiting": lake.rows(
            "select table_name, record_number, reference from core.unresolved order by all"
        ),
    }


@pytest.mark.parametrize("order", list(permutations(range(len(DELIVERIES))))[::29])
def test_what_is_known_in_the_end_does_not_depend_on_the_order(
    order: tuple[int, ...], tmp_path: Path
) -> None:
    settings = new_settings(tmp_path)
    with quick_home(settings, load_definition()) as session:
        for number in order:
            write(settings.landing, DELIVERIES[number])
            assert not pipeline.ingest(session, report=silent).refusals
        write_all(settings.landing, reference_lists())
        pipeline.ingest(session, report=silent)
        quick_build(session)
        # F3 is a protected person's: it keeps all but the place.
        assert state(session) == {
            "flags": [
                ("F1", "handled", "P1", "S1"),
                ("F2", "open", "P1", "S1"),
                ("F3", "open", None, None),
            ],
            "actions": [("A1",)],
            "answers": [("K1", "NPS", 10)],
            "waiting": [("corrective_actions", 2, "flag_id"), ("experience", 2, "site_id")],
        }


@pytest.fixture
def home(tmp_path: Path) -> Iterator[Session]:
    with quick_home(new_settings(tmp_path), load_definition()) as session:
        yield session


def test_no_word_of_a_free_text_reaches_the_lake(home: Session) -> None:
    landing = home.lake.settings.landing
    write_all(landing, (*reference_lists(), *DELIVERIES))
    pipeline.ingest(home, report=silent)
    quick_build(home)
    columns = home.lake.rows(
        "select schema_name || '.' || table_name, column_name from duckdb_columns()"
        " where database_name = 'lake' and data_type = 'VARCHAR' and schema_name <> 'kept'"
    )
    assert len(columns) > 200
    for table, column in columns:
        told = f"select count(*) from lake.{table} where contains(\"{column}\", '{WORDS}')"
        assert home.lake.count(told) == 0, (table, column)
    names = {column for _, column in columns}
    assert not names & {"message_text", "comment_text", "description_text", "note_text"}


def put(session: Session, sequence: int, data: bytes) -> None:
    """The workbook in both folders, as it is sent."""
    for key in (INDICATORS, STAFF):
        folder = session.lake.settings.landing / key
        folder.mkdir(parents=True, exist_ok=True)
        (folder / f"scorecard_{sequence}.xlsx").write_bytes(data)


def next_quarter(page: Worksheet) -> None:
    """The sheet of October to December: its first row corrects the period before."""
    page["B3"], page["B4"] = date(2017, 10, 1), date(2017, 12, 31)
    page["B5"] = date(2018, 1, 10)
    for row in range(11, page.max_row + 1):
        for letter, day in zip("CD", (date(2017, 10, 1), date(2017, 12, 31)), strict=True):
            page[f"{letter}{row}"] = day
    page["E10"], page["F10"], page["G10"] = 45, 60, 75


def next_staff(page: Worksheet) -> None:
    page["B3"], page["B4"] = date(2017, 10, 1), date(2017, 12, 31)
    page["B5"] = date(2018, 1, 10)
    for row in range(10, page.max_row + 1):
        page[f"B{row}"], page[f"C{row}"] = date(2017, 10, 1), date(2017, 12, 31)
        page[f"D{row}"], page[f"G{row}"] = 11, 12


@pytest.mark.parametrize("is_later_first", [False, True])
def test_a_figure_corrected_in_the_next_workbook_is_in_force(
    home: Session, is_later_first: bool
) -> None:
    first = (2017311, scorecard())
    later = (2017411, scorecard(change={INDICATORS: next_quarter, STAFF: next_staff}))
    sites = sent("reference/sites", 20170101, site("S1", "Y001"))
    write(home.lake.settings.landing, sites)
    for sequence, data in (later, first) if is_later_first else (first, later):
        put(home, sequence, data)
        assert not pipeline.ingest(home, report=silent).refusals
    quick_build(home)
    found = home.lake.rows(
        "select period_end_date, reported_value, is_of_later_workbook"
        " from core.scorecard_indicator where indicator_code = 'nps'"
    )
    assert [(d, int(v), later) for d, v, later in found] == [(date(2017, 9, 30), 75, True)]
    staff = home.lake.rows(
        "select period_end_date, start_staff_count, end_staff_count from core.scorecard_staff"
        " where profession_group_code = 'nurse' order by all"
    )
    assert staff == [(date(2017, 9, 30), 10, 11), (date(2017, 12, 31), 11, 12)]
    assert home.lake.count("select count(distinct sha256) from ops.delivery") == 3
    blobs = list((home.lake.settings.vault / "deliveries").glob("*.age"))
    assert len(blobs) == 3  # the list of sites, and each workbook once


def text_in(*places: str) -> dict[str, Any]:
    def change(page: Worksheet) -> None:
        for place in places:
            page[place] = "ks. liite"

    return {INDICATORS: change}


def test_of_a_workbook_nothing_is_half_posted(home: Session) -> None:
    """One row at fault stays out and the others count; more than a fifth, and none of them does.

    The other sheet stands by itself, and so does what an earlier workbook said.
    """
    write(home.lake.settings.landing, sent("reference/sites", 20170101, site("S1", "Y001")))

    def states() -> set[tuple[Any, ...]]:
        quick_build(home)
        rows = home.lake.rows(
            "select indicator_code, delivery_sequence from core.scorecard_indicator"
        )
        return set(rows)

    put(home, 2017311, scorecard(change=text_in("F12")))
    assert not pipeline.ingest(home, report=silent).refusals
    first = states()
    assert first == {
        (name, 2017311)
        for name in ("nps", "t3_days", "hba1c_in_balance", "bp_in_balance", "ldl_in_target")
    }
    put(home, 2017312, scorecard(change=text_in("F10", "F11")))
    (refused,) = pipeline.ingest(home, report=silent).refusals
    assert "quarantined_share" in str(refused)
    assert states() == first
    counts = "select count(*) from ops.{} where delivery_sequence = 2017312 and table_name = '{}'"
    for table, due in (("indicators", 0), ("staff", 1)):
        assert home.lake.count(counts.format("delivery", table)) == due
    assert home.lake.count(counts.format("quarantine", "indicators")) == 0


def test_laws_of_conservation_hold_for_feedback(home: Session) -> None:
    write_all(home.lake.settings.landing, (*reference_lists(), *DELIVERIES))
    put(home, 2017311, scorecard())  # of a provider whom the list of sites does not have
    pipeline.ingest(home, report=silent)
    quick_build(home)
    wanted = [
        check
        for check in checks.all_checks(home.definition.catalogue)
        if check.id
        in {
            "flags.accepted_is_conserved",
            "corrective_actions.accepted_is_conserved",
            "indicators.accepted_is_conserved",
            "staff.accepted_is_conserved",
            "staff_survey.accepted_is_conserved",
            "survey_response.answers_are_conserved",
        }
    ]
    results = {c.id: checks.evaluate(home.lake, c).violated for c in wanted}
    assert results == dict.fromkeys(results, 0)
    assert len(results) == 6
    assert home.lake.count("select count(*) from core.unresolved where table_name = 'staff'") == 5
