"""Outer joins that DuckDB can do by keys: of one on a condition without, it compares all with all.

Here: the text of models and settlement queries. Not here: what they give.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlglot import exp, parse_one

from dagster_project.settings import PROJECT_ROOT

QUERIES = {p.relative_to(PROJECT_ROOT / "sql"): p for p in (PROJECT_ROOT / "sql").rglob("*.sql")}


def outer_joins(sql: str) -> Iterator[exp.Join]:
    for join in parse_one(sql, dialect="duckdb").find_all(exp.Join):
        if join.side in ("LEFT", "RIGHT", "FULL") and join.args.get("on"):
            yield join


def tables(condition: exp.Expr) -> set[str]:
    return {column.table for column in condition.find_all(exp.Column)}


def slow_conditions(sql: str) -> list[str]:
    """Conditions of outer joins on the other side alone, and joins without an equality."""
    found = []
    for join in outer_joins(sql):
        joined, on = join.alias_or_name, join.args["on"]
        parts = list(on.flatten()) if isinstance(on, exp.And) else [on]
        keys = (exp.EQ, exp.NullSafeEQ)
        if not any(isinstance(p, keys) and len(tables(p)) > 1 for p in parts):
            found.append(f"no key: {on.sql()}")
        found += [p.sql() for p in parts if tables(p) and joined not in tables(p)]
    return found


@pytest.mark.parametrize(
    ("on", "is_slow"),
    [
        ("a.x = b.x", False),
        ("a.x = b.x and b.y > 3 and a.z >= b.z", False),
        ("a.x = b.x and a.y = 'p'", True),
        ("a.x = b.x and not a.is_credit", True),
        ("a.x > b.x", True),
    ],
)
def test_a_condition_that_makes_a_join_slow_is_found(on: str, is_slow: bool) -> None:
    assert bool(slow_conditions(f"select 1 from a left join b on {on}")) is is_slow


@pytest.mark.parametrize("name", QUERIES, ids=str)
def test_no_outer_join_compares_every_row_with_every_other(name: Path) -> None:
    assert slow_conditions(QUERIES[name].read_text(encoding="utf-8")) == []
