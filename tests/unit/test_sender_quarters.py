"""Deliveries numbered by quarter and sender: what they cover, and what must come before.

Here: `SENDER_QUARTER`. Not here: other steps (`tests/bad_input/test_sequences`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import duckdb
import pytest

from dagster_project.contracts.model import Contract, SequenceStep
from dagster_project.lake.contract_checks import gaps_sql
from dagster_project.lake.freshness import due_date
from dagster_project.pipeline import load_definition


def contract(step: SequenceStep = SequenceStep.SENDER_QUARTER) -> Contract:
    given = load_definition().catalogue.latest("apotti/encounters")
    return replace(given, delivery=replace(given.delivery, sequence_step=step))


@pytest.mark.parametrize(
    ("sequence", "day"),
    [
        (2017101, date(2017, 3, 31)),
        (2017299, date(2017, 6, 30)),
        (2017301, date(2017, 9, 30)),
        (2017412, date(2017, 12, 31)),
    ],
)
def test_a_quarter_ends_on_its_last_day(sequence: int, day: date) -> None:
    assert contract().delivery.last_date(sequence) == day


@pytest.mark.parametrize("sequence", [2017001, 2017501, 2017901, 2017100, 101])
def test_what_is_no_quarter_of_a_sender_is_refused(sequence: int) -> None:
    with pytest.raises(ValueError, match=r"quarter|year"):
        contract().delivery.last_date(sequence)


def test_the_quarter_before_is_the_same_senders() -> None:
    before = contract().delivery.predecessor
    assert [before(s) for s in (2017407, 2017207, 2017107)] == [2017307, 2017107, 2016407]


def gaps(sequences: list[int], stated: Contract) -> list[int]:
    with duckdb.connect() as connection:
        connection.execute("create schema ops")
        connection.execute(
            "create table ops.delivery (source varchar, table_name varchar,"
            " delivery_sequence bigint, predecessor_sequence bigint)"
        )
        for sequence in sequences:
            before = stated.delivery.predecessor(sequence)
            given = [stated.source, stated.table, sequence, before]
            connection.execute("insert into ops.delivery values (?, ?, ?, ?)", given)
        connection.execute("insert into ops.delivery values ('x', 'y', 2000107, 1999407)")
        return sorted(s for (s,) in connection.execute(gaps_sql(stated)).fetchall())


@pytest.mark.parametrize(
    ("sequences", "due"),
    [
        ([2017101, 2017102, 2017201, 2017202], []),
        ([2017101, 2017201, 2017302, 2017301], []),
        ([2017101, 2017301, 2017202], [2017301]),
        ([2016401, 2017101, 2016402, 2017202, 2017302], [2017202]),
    ],
    ids=["whole", "a sender starts later", "one is missing", "of one sender of two"],
)
def test_a_gap_is_within_the_sender(sequences: list[int], due: list[int]) -> None:
    assert gaps(sequences, contract()) == due


def test_months_have_gaps_as_ever() -> None:
    found = gaps([201611, 201701, 201702, 201704], contract(SequenceStep.MONTH))
    assert found == [201701, 201704]


@pytest.mark.parametrize(
    ("covers_to", "due"),
    [(date(2017, 3, 31), date(2017, 7, 10)), (date(2017, 12, 31), date(2018, 4, 10))],
)
def test_the_next_quarter_is_due_some_days_after_its_end(covers_to: date, due: date) -> None:
    assert due_date(replace(contract(), freshness_days=10), covers_to) == due
