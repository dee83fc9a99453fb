"""What a page reads: the tables that lie on its own shelf, and names of what they are about.

So a page can tell nothing that its readers may not have: the public one sees what disclosure
control has let through, and nothing else.

Here: which tables there are, and asking them. Not here: the questions (`sql/view`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import sqlglot
from sqlglot import exp

from dagster_project.errors import BuildError
from dagster_project.lake.connection import Lake
from dagster_project.settings import PROJECT_ROOT
from dagster_project.sql_text import literal, quoted

QUERIES = PROJECT_ROOT / "sql" / "view"
SHELF = "shelf"
REDACTED = "is_redacted"
"""Column of a table on the public shelf: whether something of the row was left out."""
NAMES = ("provider", "site", "municipality")
"""Core tables whose names of providers and places every reader may see; they hold no person."""

Cell = str | int | float | bool | None


@dataclass(frozen=True)
class Shown:
    """Rows of one question, in values that JSON has."""

    columns: tuple[str, ...]
    rows: tuple[tuple[Cell, ...], ...]


def tables_of(shelf: Path) -> dict[str, Path]:
    """Files that a page may read by the name of their table: those on its shelf."""
    return {file.stem: file for file in sorted((shelf / "bi").glob("*.parquet"))}


@contextmanager
def on_shelf(lake: Lake, shelf: Path, names: Iterable[str], snapshot_id: int) -> Iterator[None]:
    """Have `shelf.<table>` mean the tables of a shelf, and core tables of names as of a snapshot.

    Call it in a transaction, which takes the views away should anything fail.
    """
    sources = {t: f"read_parquet({literal(str(file))})" for t, file in tables_of(shelf).items()}
    sources |= {t: f"lake.core.{t} at (version => {snapshot_id})" for t in names}
    for table, source in sources.items():
        lake.execute(f"create view memory.{SHELF}.{quoted(table)} as select * from {source}")
    yield
    for table in sources:
        lake.execute(f"drop view memory.{SHELF}.{quoted(table)}")


def ask(lake: Lake, wanted: Iterable[str]) -> dict[str, Shown]:
    """Answers by the name of the question; what reads a table that is not on the shelf has none.

    Raises:
        BuildError: a table on the shelf lacks a column that a question asks for.
    """
    there = {name for name, _ in _columns(lake)}
    queries = {name: _question(name) for name in sorted(set(wanted))}
    return {name: _answer(lake, name, sql) for name, sql in queries.items() if reads(sql) <= there}


def redacted_count(lake: Lake, asked: Iterable[str]) -> int:
    """Rows that these questions read and of which disclosure control left something out."""
    read = frozenset().union(*(reads(_question(name)) for name in asked))
    marked = {table for table, column in _columns(lake) if column == REDACTED}
    return sum(
        lake.count(f"select count(*) from {SHELF}.{quoted(table)} where {REDACTED}")
        for table in read & marked
    )


def _columns(lake: Lake) -> list[tuple[str, str]]:
    """Every table of the shelf with each of its columns."""
    return lake.rows(
        "select table_name, column_name from duckdb_columns()"
        " where database_name = 'memory' and schema_name = ?",
        [SHELF],
    )


def _question(name: str) -> str:
    return (QUERIES / f"{name}.sql").read_text("utf-8")


def reads(query: str) -> frozenset[str]:
    """Tables of the shelf that a question reads."""
    found = sqlglot.parse_one(query, read="duckdb").find_all(exp.Table)
    return frozenset(table.name for table in found if table.db == SHELF)


def _answer(lake: Lake, name: str, query: str) -> Shown:
    try:
        cursor = lake.execute(query)
    except duckdb.BinderException as error:  # its text names columns, and holds no row
        raise BuildError(
            f"sql/view/{name}.sql asks for what its tables do not hold; correct either"
            f" ({str(error).splitlines()[0]})"
        ) from None
    columns = tuple(name for name, *_ in cursor.description or ())
    return Shown(columns, tuple(tuple(map(_cell, row)) for row in cursor.fetchall()))


def _cell(value: Any) -> Cell:  # noqa: ANN401 - a cell of any column
    """A value as JSON has it; a decimal of 15 digits or fewer reads in a double as it was."""
    match value:
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case date():
            return value.isoformat()
        case None | bool() | int() | float() | str():
            return value
        case _:
            raise TypeError(f"the page has no cell for a {type(value).__name__}")


def compact(tables: Mapping[str, Shown]) -> dict[str, Any]:
    """Tables for JSON: names of columns once."""
    return {name: {"columns": t.columns, "rows": t.rows} for name, t in tables.items()}
