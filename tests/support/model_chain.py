"""Several SQL models in a row, each a table that the next one reads, without a lake.

Here: the models' own queries on an in-memory DuckDB. Not here: one model alone (`models`), how a
build commits them (`homes`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import duckdb
import pyarrow as pa

from dagster_project.lake.casts import CREATE_MACROS
from dagster_project.lake.ddl import OPS_TABLES
from dagster_project.pipeline import load_definition
from tests.support.models import Table


@dataclass(frozen=True)
class Chain:
    """Models to be built in order over tables that a test fills."""

    connection: duckdb.DuckDBPyConnection
    models: tuple[str, ...]
    tables: tuple[str, ...]

    def run(self, tables: Mapping[str, Table]) -> None:
        """Build every model over these tables; tables not named are empty."""
        assert tables.keys() <= set(self.tables)
        for name in self.tables:
            self.connection.execute(f"delete from {name}")
            if rows := tables.get(name):
                fill(self.connection, name, rows)
        graph = load_definition().graph
        for name in self.models:
            sql = graph.model(name).sql
            self.connection.execute(f"create or replace table {name} as {sql}")

    def rows(self, sql: str) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.connection.execute(sql).fetchall()


def chain(models: Sequence[str], tables: Mapping[str, str]) -> Chain:
    """Empty tables by name and column definitions, rulebooks as they are, and the models."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute(CREATE_MACROS)
    schemas = {name.split(".")[0] for name in (*models, *tables)}
    for schema in sorted(schemas | {"ops", "rulebook"}):
        connection.execute(f"create schema {schema}")
    for name in ("need_model_run", "need_model_coefficient"):
        connection.execute(f"create table ops.{name} ({OPS_TABLES[name]})")
    for book in load_definition().rulebooks:
        if f"rulebook.{book.name}" not in tables:
            connection.execute(f"create view rulebook.{book.name} as {book.sql}")
    for name, columns in tables.items():
        connection.execute(f"create schema if not exists {name.split('.')[0]}")
        connection.execute(f"create table {name} ({columns})")
    return Chain(connection, tuple(models), tuple(tables))


def fill(connection: duckdb.DuckDBPyConnection, table: str, rows: Table) -> None:
    """Insert many rows at once: by value DuckDB takes a millisecond for each."""
    columns = [pa.array(list(column)) for column in zip(*rows, strict=True)]
    given = pa.table(columns, names=[f"c{i}" for i in range(len(columns))])
    connection.register("given", given)
    connection.execute(f"insert into {table} select * from given")
    connection.unregister("given")
