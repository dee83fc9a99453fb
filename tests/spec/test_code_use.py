"""How codes come out against their lists on the day of the event, worked by hand.

Here: `core.code_use` over entries and lists that a test writes. Not here: where entries come from
(`tests/pipeline/test_code_lists`).
"""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from tests.support.models import Bench, Table, bench

VALUES = (
    "source varchar, table_name varchar, column_name varchar, severity varchar, code_list varchar,"
    " code_set varchar, delivery_sequence bigint, code varchar, event_date date, entry_count bigint"
)
LISTED = (
    "code_list varchar, code_set varchar, code varchar, valid_from_date date, valid_to_date date,"
    " is_current boolean"
)
NAMES = ("coded_count", "unknown_count", "not_in_force_count", "dropped_count")
OLD, MARCH, APRIL = date(2000, 1, 1), date(2017, 3, 31), date(2017, 4, 1)


@pytest.fixture(scope="module")
def model() -> Bench:
    return bench("core.code_use", {"coded.coded_value": VALUES, "coded.coded_list": LISTED})


def used(code: str, day: date | None, count: int = 1, **others: Any) -> tuple[Any, ...]:
    row = {"column": "kind_code", "severity": "warning", "code_set": "all", "sequence": 201704}
    row |= others
    return (
        *("clinic", "visits", row["column"], row["severity"], "codes/kinds", row["code_set"]),
        *(row["sequence"], code, day, count),
    )


def listed(
    code: str,
    start: date = OLD,
    end: date | None = None,
    *,
    is_current: bool = True,
    code_set: str = "all",
) -> tuple[Any, ...]:
    return ("codes/kinds", code_set, code, start, end, is_current)


def counts(model: Bench, values: Table, lists: Table) -> tuple[int, ...]:
    (row,) = model.run({"coded.coded_value": values, "coded.coded_list": lists})
    return tuple(row[name] for name in NAMES)


def test_a_code_in_force_is_well(model: Bench) -> None:
    both = [listed("A"), listed("A", is_current=False)]
    assert counts(model, [used("A", MARCH, 3), used("A", None, 2)], both) == (5, 0, 0, 0)


def test_a_code_ends_with_the_day_before_its_end(model: Bench) -> None:
    ended = [listed("A", OLD, APRIL)]
    assert counts(model, [used("A", MARCH, 3), used("A", APRIL, 4)], ended) == (7, 0, 4, 0)


def test_a_code_begins_on_its_first_day(model: Bench) -> None:
    begun = [listed("A", APRIL)]
    assert counts(model, [used("A", MARCH, 3), used("A", APRIL, 4)], begun) == (7, 0, 3, 0)


def test_a_renamed_code_is_in_force_on_both_sides(model: Bench) -> None:
    renamed = [listed("A", OLD, APRIL), listed("A", APRIL)]
    assert counts(model, [used("A", MARCH), used("A", APRIL)], renamed) == (2, 0, 0, 0)


def test_a_code_that_no_list_ever_had_is_unknown(model: Bench) -> None:
    assert counts(model, [used("A", MARCH, 3), used("B", MARCH, 2)], [listed("A")]) == (5, 2, 0, 0)


def test_without_any_list_all_are_unknown(model: Bench) -> None:
    assert counts(model, [used("A", MARCH, 3)], []) == (3, 3, 0, 0)


def test_a_code_that_has_left_its_list_is_neither_known_nor_unknown(model: Bench) -> None:
    gone = [listed("A", is_current=False), listed("B")]
    assert counts(model, [used("A", MARCH, 3), used("B", MARCH)], gone) == (4, 0, 0, 3)


def test_a_code_of_another_set_or_list_does_not_help(model: Bench) -> None:
    lists = [listed("A", code_set="other"), ("codes/others", "all", "A", OLD, None, True)]
    assert counts(model, [used("A", MARCH)], lists) == (1, 1, 0, 0)


def test_deliveries_and_columns_are_counted_apart(model: Bench) -> None:
    values = [
        used("A", MARCH, 1),
        used("B", MARCH, 2, sequence=201705),
        used("B", MARCH, 4, column="sort_code", severity="error"),
    ]
    rows = model.run({"coded.coded_value": values, "coded.coded_list": [listed("A")]})
    found = {
        (r["column_name"], r["delivery_sequence"], r["severity"]): r["unknown_count"] for r in rows
    }
    assert found == {
        ("kind_code", 201704, "warning"): 0,
        ("kind_code", 201705, "warning"): 2,
        ("sort_code", 201704, "error"): 4,
    }
