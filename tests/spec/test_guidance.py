"""What core makes of client guidance: one small history, worked by hand.

Here: contacts, members, forms, guides' time and outcomes from delivery to core, consent by the day
of the answer, the checks over them. Not here: spans of consent (`test_research_consent`).
"""

from __future__ import annotations

from datetime import date, datetime
from typing import Any

import pytest

from dagster_project import client_lists
from dagster_project.lake import checks
from dagster_project.lake.check_model import Status
from dagster_project.pipeline import Session
from tests.support.homes import person
from tests.support.identity import code
from tests.support.study import (
    CLIENT,
    CONTROL,
    DAILY,
    LATER_CODE,
    PROTECTED,
)


@pytest.fixture
def session(study: Session) -> Session:
    return study


def rows(session: Session, columns: str, table: str) -> list[tuple[Any, ...]]:
    return session.lake.rows(f"select {columns} from core.{table} order by all")


def test_members_have_their_spans_and_consents(session: Session) -> None:
    columns = "study_enrolment_id, person_id, municipality_code, valid_from_date, consent_to_date"
    start = date(2017, 5, 2)
    assert rows(session, columns, "study_enrolment") == [
        (1, person(session, code(CLIENT)), "091", start, None),
        (2, person(session, code(CONTROL)), "091", start, date(2017, 6, 1)),
        (3, person(session, code(PROTECTED)), None, start, None),
        (4, person(session, LATER_CODE), "091", start, None),
    ]


def test_contacts_fall_on_the_helsinki_day_and_name_no_protected_persons_guide(
    session: Session,
) -> None:
    columns = "contact_id, guide_code, contacted_at, contacted_date, contact_month, person_id"
    month = date(2017, 5, 1)
    assert rows(session, columns, "guidance_contact") == [
        (
            1,
            "O101",
            datetime(2017, 5, 31, 20, 30),
            date(2017, 5, 31),
            month,
            person(session, code(CLIENT)),
        ),
        (
            2,
            None,
            datetime(2017, 5, 3, 6),
            date(2017, 5, 3),
            month,
            person(session, code(PROTECTED)),
        ),
        (3, "O101", datetime(2017, 5, 3, 7), date(2017, 5, 3), month, person(session, LATER_CODE)),
    ]


def test_a_guides_assessment_has_a_row_for_each_item_that_was_scored(session: Session) -> None:
    columns = "answer_id, item_code, score, respondent_code, guide_code, is_consented"
    of_guides = "guidance_assessment where form_code = 'worker_assessment'"
    assert rows(session, columns, of_guides) == [
        (1, "coping", 4, "guide", "O101", True),
        (1, "mood", 2, "guide", "O101", True),
        (2, "coping", 3, "guide", None, True),
    ]


def test_a_form_has_a_row_for_each_of_its_items_answered_or_not(session: Session) -> None:
    first = "guidance_assessment where form_code = 'daily_life_impact' and answer_id = 1"
    assert rows(session, "item_code, score", first) == [
        ("everyday_life", None),
        ("future", None),
        ("health", None),
        ("home", 4),
        ("leisure", None),
        ("money", 2),
        ("relationships", None),
        ("study_or_work", None),
    ]


def test_answers_are_consented_by_the_day_on_which_they_were_given(session: Session) -> None:
    """The correction of May's answer comes after the withdrawal, and is of a day before it."""
    home = "guidance_assessment where form_code = 'daily_life_impact' and item_code = 'home'"
    columns = "answer_id, score, answered_date, is_consented, consent_to_date"
    assert rows(session, columns, home) == [
        (1, 4, date(2017, 5, 10), True, None),
        (2, 5, date(2017, 5, 31), True, date(2017, 6, 1)),
        (3, 1, date(2017, 6, 1), False, None),
        (4, 2, date(2017, 6, 12), True, None),
    ]


def test_of_a_text_the_lake_has_language_and_tone_alone(session: Session) -> None:
    form = "guidance_assessment where form_code = 'budget_experience'"
    told = [
        row
        for row in rows(session, "item_code, score, text_language_code, sentiment_code", form)
        if row[1:] != (None, None, None)
    ]
    assert told == [
        ("choice", 5, None, None),
        ("free_text", None, "fi", "positive"),
        ("recommendation", 9, None, None),
    ]
    columns = session.lake.rows("describe staging.budget_experience")
    assert "free_text" not in {name for name, *_ in columns}
    staged = session.lake.rows("from staging.budget_experience")
    assert not [value for row in staged for value in row if code(1) in str(value)]


def test_outcomes_are_the_newest_word_on_each_case(session: Session) -> None:
    columns = "outcome_id, person_id, is_acted_on, outcome_code, outcome_date"
    assert rows(session, columns, "guidance_outcome") == [
        (1, person(session, code(CLIENT)), True, None, None),
        (2, person(session, LATER_CODE), True, "started", date(2017, 6, 7)),
    ]


@pytest.mark.parametrize("name", client_lists.known_lists())
def test_every_list_names_a_person_first_and_the_item_that_comes_back(
    session: Session, name: str
) -> None:
    """Over the models as they are; what its rows say is each model's."""
    table = client_lists.rows_of(session, name)
    assert table.columns[0].endswith("person_id")
    assert "item_code" in table.columns or name in ("risk", "budget_proposal")


def test_who_was_acted_on_is_on_the_list_of_risks_no_more(session: Session) -> None:
    lake, day = session.lake, date(2017, 6, 1)
    client, later = (person(session, c) for c in (code(CLIENT), LATER_CODE))
    scored = [(client, 95.0), (later, 99.0), (person(session, code(CONTROL)), 89.0)]
    for who, percentile in scored:
        lake.execute(
            "insert into lake.risk.score values (?, 'need_growth', ?, 'm', 'scored', 0.5, 0.4,"
            " 0.6, ?, 'age', null, null, 1)",
            [who, day, percentile],
        )
    assert [row[:2] for row in client_lists.rows_of(session, "risk").rows] == [
        (client, "need_growth")
    ]


def test_guides_minutes_are_of_no_client(session: Session) -> None:
    columns = "guide_code, worked_date, task_code, worked_minutes"
    assert rows(session, columns, "guidance_worker_time") == [
        ("O101", date(2017, 5, 8), "records", 90)
    ]
    described = session.lake.rows("describe core.guidance_worker_time")
    assert not [name for name, *_ in described if name.endswith("person_id")]


def verdicts(session: Session) -> dict[str, tuple[Status, int]]:
    """Of the checks over the tables of this source, by id."""
    tables = {
        f"core.{name}" for name in ("guidance_assessment", "guidance_contact", "guidance_outcome")
    } | {"core.study_enrolment", "core.guidance_worker_time"}
    found = [
        checks.evaluate(session.lake, check)
        for check in checks.all_checks(session.definition.catalogue)
        if check.table in tables
    ]
    return {r.check.id: (r.status, r.violated) for r in found}


def test_the_checks_count_the_answers_given_after_withdrawal(session: Session) -> None:
    found = verdicts(session)
    warned = found.pop("guidance_assessment.answers_are_consented")
    assert warned == (Status.PASS_WITH_FAILURES, len(DAILY))
    assert {status for status, _ in found.values()} == {Status.PASS}


BEHIND_ITS_BACK = {
    "guidance_assessment.withdrawn_is_not_consented": (
        "update lake.core.guidance_assessment set is_consented = true"
    ),
    "worker_assessment.worker_assessment_is_conserved": (
        "delete from lake.core.guidance_assessment where item_code = 'mood'"
    ),
    "daily_life_impact.daily_life_impact_is_conserved": (
        "delete from lake.core.guidance_assessment where item_code = 'leisure' and answer_id = 1"
    ),
    "budget_experience.budget_experience_is_conserved": (
        "delete from lake.core.guidance_assessment where form_code = 'budget_experience'"
    ),
    "guidance_assessment.those_due_are_asked": (
        "update lake.core.guidance_assessment set answered_date = date '2016-01-01'"
    ),
    "study_enrolment.cohorts_do_not_overlap": (
        "insert into lake.core.study_enrolment select * replace (9 as study_enrolment_id)"
        " from lake.core.study_enrolment where study_enrolment_id = 1"
    ),
}


@pytest.mark.parametrize("check_id", BEHIND_ITS_BACK)
def test_a_check_notices_what_is_wrong(session: Session, check_id: str) -> None:
    statement = BEHIND_ITS_BACK[check_id]
    table = f"lake.core.{changed_table(statement)}"
    session.lake.execute(f"create or replace temp table kept as from {table}")
    try:
        session.lake.execute(statement)
        status, violated = verdicts(session)[check_id]
    finally:
        session.lake.execute(f"delete from {table}")
        session.lake.execute(f"insert into {table} from kept")
    assert status in (Status.FAIL, Status.PASS_WITH_FAILURES)
    assert violated > 0


def changed_table(statement: str) -> str:
    """The table that a statement changes."""
    return statement.split("lake.core.")[1].split(maxsplit=1)[0]
