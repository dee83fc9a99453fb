"""One SQL model at a time, over tables that a test writes, without a lake.

Here: the model's own query on an in-memory DuckDB. Not here: how a build commits it (`homes`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb

from dagster_project.lake.casts import CREATE_MACROS
from dagster_project.pipeline import load_definition

Table = Sequence[tuple[Any, ...]]


@dataclass(frozen=True)
class Bench:
    """A connection with the tables that one model reads."""

    connection: duckdb.DuckDBPyConnection
    sql: str
    tables: tuple[str, ...]

    def run(self, tables: Mapping[str, Table]) -> list[dict[str, Any]]:
        """The model's rows over these tables; tables not named are empty."""
        assert tables.keys() <= set(self.tables)
        for name in self.tables:
            self.connection.execute(f"delete from {name}")
            if rows := tables.get(name):
                marks = ", ".join(f"({', '.join('?' for _ in row)})" for row in rows)
                values = [value for row in rows for value in row]
                self.connection.execute(f"insert into {name} values {marks}", values)
        cursor = self.connection.execute(self.sql)
        names = [column[0] for column in cursor.description or ()]
        return [dict(zip(names, row, strict=True)) for row in cursor.fetchall()]


def bench(model: str, tables: Mapping[str, str]) -> Bench:
    """Empty tables by name and column definitions, and the model that reads them."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(CREATE_MACROS)
    for name, columns in tables.items():
        connection.execute(f"create schema if not exists {name.split('.')[0]}")
        connection.execute(f"create table {name} ({columns})")
    return Bench(connection, load_definition().graph.model(model).sql, tuple(tables))
