"""An open lake as Great Expectations reads it: a SQLAlchemy dialect over its DuckDB connection.

The library knows no DuckDB, and fetches a result after it has given the connection back. So what
it is given here is not closed, and holds its rows itself from the moment they are asked for.

Here: the dialect. Not here: what is asked (`validation`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, ClassVar

import duckdb
import sqlalchemy as sa
from sqlalchemy.engine import URL
from sqlalchemy.engine.default import DefaultDialect
from sqlalchemy.pool import StaticPool

from dagster_project.lake.connection import Lake
from dagster_project.sql_text import quoted

_NAME = "tietoallas"
_OPEN: dict[str, duckdb.DuckDBPyConnection] = {}
"""Connections that an address leads to, while it is open."""
_KINDS: tuple[tuple[str, Any], ...] = (
    ("DECIMAL", sa.Numeric),
    ("DOUBLE", sa.Float),
    ("BIGINT", sa.BigInteger),
    ("INTEGER", sa.Integer),
    ("BOOLEAN", sa.Boolean),
    ("DATE", sa.Date),
    ("TIMESTAMP", sa.DateTime),
)


@contextmanager
def address_of(lake: Lake) -> Iterator[str]:
    """A SQLAlchemy address that leads to the lake's own connection, temp views and all."""
    key = f"lake{len(_OPEN) + 1}"
    _OPEN[key] = lake.connection
    try:
        yield f"{_NAME}://{key}"
    finally:
        del _OPEN[key]


class _Cursor:
    """A DB-API cursor that holds its own rows, since another statement ends a result."""

    arraysize = 1
    rowcount = -1
    lastrowid = None

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection
        self._rows: list[tuple[Any, ...]] = []
        self.description: list[Any] | None = None

    def execute(self, sql: str, values: Sequence[Any] = ()) -> None:
        done = self._connection.execute(sql, list(values))
        self.description = done.description or None
        self._rows = done.fetchall() if self.description else []

    def fetchall(self) -> list[tuple[Any, ...]]:
        rows, self._rows = self._rows, []
        return rows

    def fetchmany(self, size: int = 1) -> list[tuple[Any, ...]]:
        rows, self._rows = self._rows[:size], self._rows[size:]
        return rows

    def fetchone(self) -> tuple[Any, ...] | None:
        return self._rows.pop(0) if self._rows else None

    def close(self) -> None:
        self._rows = []


class _Connection:
    """A DB-API connection that only reads, so that there is nothing to commit or to close."""

    def __init__(self, connection: duckdb.DuckDBPyConnection) -> None:
        self._connection = connection

    def cursor(self) -> _Cursor:
        return _Cursor(self._connection)

    def commit(self) -> None:
        """Nothing was written."""

    def rollback(self) -> None:
        """Nothing was written."""

    def close(self) -> None:
        """The lake closes its own connection."""


class LakeDialect(DefaultDialect):
    """Standard SQL, as DuckDB speaks it; tables are those of the search path, and temp views."""

    name = "duckdb"
    driver = _NAME
    default_paramstyle = "qmark"
    supports_statement_cache = True
    supports_native_boolean = True
    supports_native_decimal = True
    poolclass: ClassVar[Any] = StaticPool

    @classmethod
    def import_dbapi(cls) -> Any:  # noqa: ANN401 - SQLAlchemy's own signature
        """DuckDB's module, for its errors."""
        return duckdb

    def create_connect_args(self, url: URL) -> Any:  # noqa: ANN401 - SQLAlchemy's own signature
        """The address names an open connection."""
        return (url.host,), {}

    def connect(self, *arguments: Any, **_: Any) -> Any:  # noqa: ANN401 - likewise
        """The connection that the address leads to."""
        return _Connection(_OPEN[arguments[0]])

    def initialize(self, connection: Any) -> None:  # noqa: ANN401 - likewise
        """There is nothing to ask the database first."""

    def has_table(self, connection: Any, table_name: str, *_: Any, **__: Any) -> bool:  # noqa: ANN401
        """Whether there is a table or view of that name."""
        found = connection.exec_driver_sql(
            "select count(*) from duckdb_columns() where table_name = ?", (table_name,)
        )
        return bool(found.scalar())

    def get_table_names(self, connection: Any, *_: Any, **__: Any) -> list[str]:  # noqa: ANN401
        """Names of all tables and views."""
        found = connection.exec_driver_sql("select distinct table_name from duckdb_columns()")
        return [name for (name,) in found]

    def get_pk_constraint(self, *_: Any, **__: Any) -> Any:  # noqa: ANN401 - likewise
        """The lake enforces none."""
        return {"constrained_columns": [], "name": None}

    def get_columns(self, connection: Any, table_name: str, *_: Any, **__: Any) -> Any:  # noqa: ANN401
        """Columns of a table or view, without reading it."""
        found = connection.exec_driver_sql(f"describe {quoted(table_name)}")
        return [
            {"name": name, "type": _kind(kind), "nullable": True, "default": None}
            for name, kind, *_rest in found
        ]


def _kind(name: str) -> Any:  # noqa: ANN401 - SQLAlchemy's types have no common one to instantiate
    bare = re.split(r"[(\[ ]", name)[0]
    return next((kind() for start, kind in _KINDS if bare == start), sa.String())


sa.dialects.registry.register(_NAME, __name__, LakeDialect.__name__)
