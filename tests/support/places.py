"""Rows at person level that tell where somebody is: in a lake, a release, a Parquet file.

Here: finding them within one table. Not here: over the keys that tables share (`ways`), whose they
may not be.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from dagster_project.sql_text import quoted

PERSON_COLUMNS = frozenset(
    {
        "person_id",
        "previous_person_id",
        "from_person_id",
        "to_person_id",
        "alias_person_id",
        "cared_person_id",
        "contact_person_id",
    }
)
PLACE_COLUMNS = frozenset(
    {
        "municipality_code",
        "postal_code",
        "site_id",
        "provider_id",
        "received_by_code",
        "professional_id",
        "unit_code",
        "voucher_provider_id",
        "decision_maker_code",
        "guide_code",
        "family_id",
    }
)


def telling_tables(
    connection: duckdb.DuckDBPyConnection, database: str
) -> dict[str, tuple[list[str], list[str]]]:
    """Person and place columns of every table of a database that has both."""
    return {
        f"{database}.{table}": (sorted(held & PERSON_COLUMNS), sorted(held & PLACE_COLUMNS))
        for table, held in columns_of(connection, database).items()
        if held & PERSON_COLUMNS and held & PLACE_COLUMNS
    }


def columns_of(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, set[str]]:
    """Columns of every table of a database."""
    rows = connection.execute(
        "select schema_name || '.' || table_name, column_name from duckdb_columns()"
        " where database_name = ? and not internal order by all",
        [database],
    ).fetchall()
    names: dict[str, set[str]] = {}
    for table, column in rows:
        names.setdefault(table, set()).add(column)
    return names


def rows_telling(
    connection: duckdb.DuckDBPyConnection, database: str, persons: Collection[int]
) -> dict[str, int]:
    """How many rows tell where these persons are, by table; tables with none are left out."""
    found = {
        table: _count(connection, table, who, where, persons)
        for table, (who, where) in telling_tables(connection, database).items()
    }
    return {table: count for table, count in found.items() if count}


def _count(
    connection: duckdb.DuckDBPyConnection,
    table: str,
    who: Iterable[str],
    where: Iterable[str],
    persons: Collection[int],
) -> int:
    whose = " or ".join(f"list_contains(?, {quoted(column)})" for column in who)
    told = " or ".join(f"{quoted(column)} is not null" for column in where)
    values = [list(persons) for _ in who]
    row = connection.execute(
        f"select count(*) from {table} where ({whose}) and ({told})", values
    ).fetchone()
    return int(row[0]) if row else 0


def files_telling(files: Iterable[Path], persons: Collection[int]) -> dict[str, int]:
    """How many rows tell where these persons are, by Parquet file; those with none are left out."""
    found = {
        str(file): _count_in(file, set(persons)) for file in files if file.suffix == ".parquet"
    }
    return {file: count for file, count in found.items() if count}


def _count_in(file: Path, persons: set[int]) -> int:
    rows = pq.ParquetFile(file).read().to_pylist()
    return sum(
        any(row.get(who) in persons for who in PERSON_COLUMNS)
        and any(row.get(where) is not None for where in PLACE_COLUMNS)
        for row in rows
    )
