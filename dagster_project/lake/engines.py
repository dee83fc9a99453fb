"""Which engine works out a model's rows: DuckDB, which holds the lake, or Spark beside it.

Here: what an engine is, and DuckDB as one. Not here: Spark (`spark`), which model runs where
(`placement`), what is rebuilt and when (`builds`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Protocol

from dagster_project.lake.connection import Lake
from dagster_project.sql_models import Model

TOUCHED = "touched_month"
"""Table of this connection with the months that a model is rebuilt for."""


class Rows(Protocol):
    """A model's rows, on their way into the lake."""

    @property
    def relation(self) -> str:
        """What DuckDB reads them from."""

    def create(self, table: str) -> None:
        """Make the table of them, in the transaction that is open."""

    def add_to(self, table: str) -> None:
        """Put them into a table that stands, in the transaction that is open."""


class Engine(Protocol):
    """Runs a model over its inputs, as the lake's newest snapshot has them."""

    @property
    def name(self) -> str:
        """As settings and metadata call it."""

    def rows(
        self, model: Model, *, of_touched: bool = False, read_twice: bool = False
    ) -> AbstractContextManager[Rows]:
        """The model's rows, for as long as the block lasts; nothing of the lake changes here.

        Args:
            model: The model.
            of_touched: Only those of the months in `TOUCHED`.
            read_twice: Whether they are read before they are put anywhere.

        Raises:
            BuildError: the engine cannot run the model, or stopped.
        """


@dataclass(frozen=True)
class DuckDB:
    """The lake's own engine."""

    lake: Lake
    name: str = "duckdb"

    @contextmanager
    def rows(
        self, model: Model, *, of_touched: bool = False, read_twice: bool = False
    ) -> Iterator[Rows]:
        """The model's rows: a query that runs where they go, unless it would run twice."""
        if not read_twice:
            chosen = f" where {model.partition} in (select month from {TOUCHED})"
            yield _Query(self.lake, model.sql, chosen if of_touched else "")
            return
        self.lake.execute(f"create or replace temp table fresh as {model.sql}")
        yield _Query(self.lake, "from fresh")
        self.lake.execute("drop table fresh")


@dataclass(frozen=True)
class _Query:
    lake: Lake
    sql: str
    chosen: str = ""

    @property
    def relation(self) -> str:
        return f"({self.sql}) as model{self.chosen}"

    def create(self, table: str) -> None:
        self.lake.execute(f"create table {table} as {self.sql}")

    def add_to(self, table: str) -> None:
        self.lake.execute(f"insert into {table} select * from {self.relation}")
