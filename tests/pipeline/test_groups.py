"""Deliveries that are taken in together are each judged, refused and counted by themselves.

Here: groups of one table. Not here: which files make a group (`tests/unit/test_reading.py`), runs
cut short between two steps (`tests/faults`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from dagster_project.pipeline import Session
from tests.support.deliveries import ENCOUNTERS, Sent, encounter, sent
from tests.support.homes import new_home, take_in
from tests.support.identity import code

pytestmark = pytest.mark.usefixtures("few_tables")


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with new_home(tmp_path) as opened:
        yield opened


def month(sequence: int, *persons: int | str) -> Sent:
    """A visit of each person, all with the same numbers in every month."""
    started = datetime(sequence // 100, sequence % 100, 5, 9)
    codes = (code(p) if isinstance(p, int) else p for p in persons)
    return sent(ENCOUNTERS, sequence, *(encounter(n, c, started) for n, c in enumerate(codes, 1)))


def test_a_group_is_written_at_once(session: Session) -> None:
    ingested = take_in(session, month(201701, 1, 2), month(201702, 1), month(201703, 3))
    assert [o.verdict.accepted for o in ingested.outcomes if o.verdict] == [2, 1, 1]
    files = session.lake.rows("from ducklake_list_files('lake', 'encounters', schema => 'staging')")
    assert len(files) == 1


def test_a_refused_delivery_takes_none_of_its_group_with_it(session: Session) -> None:
    ingested = take_in(
        session, month(201701, 1), month(201702), month(201703, *range(5), "no code")
    )
    assert [refusal.label for refusal in ingested.refusals] == ["apotti/encounters 201702"]
    staged = session.lake.rows(
        "select delivery_sequence, count(*) from staging.encounters group by all order by all"
    )
    assert staged == [(201701, 1), (201703, 5)]
    assert session.lake.rows("select delivery_sequence from ops.delivery order by all") == [
        (201701,),
        (201703,),
    ]
    left = session.lake.rows("select delivery_sequence, record_number, rule_id from ops.quarantine")
    assert left == [(201703, 6, "person_id.identity_code")]


def test_the_same_key_in_two_months_is_no_duplicate(session: Session) -> None:
    ingested = take_in(session, month(201701, 1, 2), month(201702, 2, 1))
    assert [o.verdict.duplicate for o in ingested.outcomes if o.verdict] == [0, 0]


def test_a_code_is_of_the_first_delivery_that_brought_it(session: Session) -> None:
    take_in(session, month(201701, 1), month(201702, 1, 2), month(201703, 2, 3))
    brought = session.lake.rows("select identity_code, from_sequence from vault.main.identity")
    assert dict(brought) == {code(1): 201701, code(2): 201702, code(3): 201703}


def test_what_was_here_before_and_what_is_new_arrive_together(session: Session) -> None:
    take_in(session, month(201701, 1))
    ingested = take_in(session, month(201701, 1), month(201702, 2), month(201703, 3))
    verdicts = [outcome.verdict and outcome.verdict.accepted for outcome in ingested.outcomes]
    assert verdicts == [None, 1, 1]
    ingested = take_in(session, month(201701, 7), month(201704, 3))
    assert ["[rule sequence.other_bytes]" in r.message for r in ingested.refusals] == [True]
    assert [outcome.label for outcome in ingested.outcomes] == ["apotti/encounters 201704"]


def test_numbers_of_events_follow_the_order_of_deliveries(session: Session) -> None:
    take_in(session, month(201702, 1), month(201701, 1), month(201703, 3))
    events = session.lake.rows(
        "select event_id, delivery_sequence from ops.delivery_event order by event_id"
    )
    assert events == [(1, 201701), (2, 201702), (3, 201703)]
