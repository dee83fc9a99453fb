"""Comments read in the vault's zone: codes in the lake, no word; the look at one is logged.

Here: whole deliveries of a few texts. Not here: how a text is read (`tests/unit`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.comments.reading import read_comments
from dagster_project.comments.worklist import cases, text_of_case
from dagster_project.errors import TietoallasError
from dagster_project.pipeline import Session, load_definition
from tests.spec.test_feedback_in_a_lake import EXPERIENCE, FLAGS, HANDLED, experience, flag
from tests.support.deliveries import Row, reference_lists, sent, write_all
from tests.support.homes import new_settings, silent
from tests.support.quick_lake import quick_build, quick_home

SENT_AROUND = "Minua pompoteltiin luukulta luukulle."


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A flag in two versions, one without a text, and two answers of which one has a case."""
    settings = new_settings(tmp_path_factory.mktemp("comments"))
    with quick_home(settings, load_definition()) as session:
        codes: Row = {"topic_code": "access", "sentiment_code": "neutral"}
        answer: Row = {**experience("K1", "S1"), **codes}
        failing: Row = {**answer, "response_id": "K2", "comment_text": SENT_AROUND}
        write_all(
            Path(settings.landing),
            (
                *reference_lists(),
                sent(FLAGS, 201705, flag("F1", 0, HANDLED.replace(month=5))),
                sent(
                    FLAGS,
                    201706,
                    flag("F1", 0, HANDLED, message_text="Kukaan ei soittanut."),
                    flag("F2", 1, HANDLED, message_text=None),
                ),
                sent(EXPERIENCE, 201705, answer, failing),
            ),
        )
        pipeline.ingest(session, report=silent)
        done = read_comments(session, actor="reader", purpose="pack")
        quick_build(session)
        assert [(d.language, d.comment_count, d.flagged_count) for d in done] == [("fi", 3, 2)]
        yield session


def test_codes_of_every_comment_in_force_are_in_the_lake(home: Session) -> None:
    assert home.lake.rows(
        "select comment_source, comment_month, provider_id, topic_code, sentiment_code,"
        " comment_count, integration_failure_count from mart.comment_topic order by all"
    ) == [
        (FLAGS, date(2017, 5, 1), "P1", "access", "negative", 1, 1),
        (EXPERIENCE, date(2017, 5, 1), "P1", "access", "neutral", 2, 1),
    ]


def test_a_second_reading_takes_the_place_of_the_first(home: Session) -> None:
    count = "select count(*) from ops.comment_reading"
    before = home.lake.count(count)
    read_comments(home, actor="reader", purpose="again")
    assert home.lake.count(count) == before == 3


def test_no_word_of_a_comment_is_in_the_lake(home: Session) -> None:
    columns = home.lake.rows(
        "select schema_name || '.' || table_name, column_name from duckdb_columns()"
        " where database_name = 'lake' and data_type = 'VARCHAR' and schema_name <> 'kept'"
    )
    told = " union all ".join(
        f"select count(*) as n from lake.{table}"
        f" where contains(\"{column}\", 'luukulta') or contains(\"{column}\", 'soittanut')"
        for table, column in columns
    )
    assert home.lake.count(f"select sum(n) from ({told})") == 0


def test_a_case_is_read_by_a_logged_look_and_nothing_else_is(home: Session) -> None:
    (flagged, answered) = sorted(cases(home), key=lambda case: case.comment_source)
    assert (flagged.comment_source, answered.comment_source) == (FLAGS, EXPERIENCE)
    place = (EXPERIENCE, answered.delivery_sequence, answered.record_number)
    asked = "select actor, purpose, action, record_number from vault.access_log"
    assert text_of_case(home, place, actor="looker", purpose="asked by the team") == SENT_AROUND
    assert ("looker", "asked by the team", "comments.show", 2) in home.lake.rows(asked)
    assert ("reader", "pack", "comments.read", None) in home.lake.rows(asked)
    looks = home.lake.count("select count(*) from vault.access_log")
    with pytest.raises(TietoallasError, match="is no case; see `tietoallas comments worklist`"):
        text_of_case(home, (EXPERIENCE, 201705, 1), actor="looker", purpose="curious")
    assert home.lake.count("select count(*) from vault.access_log") == looks
