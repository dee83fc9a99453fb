"""Which engine works out a model's rows: DuckDB, which holds the lake, or Spark beside it.

Here: what an engine is, DuckDB as one, and where each model is placed. Not here: Spark (`spark`),
what is rebuilt and when (`builds`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from dagster_project.errors import ContractError
from dagster_project.lake.connection import Lake
from dagster_project.rulebook import read_document
from dagster_project.sql_models import Model, ModelGraph

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


@dataclass(frozen=True)
class Placement:
    """Which models run on Spark where there is one, and which cannot, and why."""

    spark: frozenset[str]
    cannot: Mapping[str, str]

    def engine_name(self, model: Model, *, has_spark: bool = True) -> str:
        """Where a model runs."""
        return "spark" if has_spark and model.full_name in self.spark else "duckdb"


def load_placement(file: Path, graph: ModelGraph) -> Placement:
    """The placement of an installation.

    Raises:
        ContractError: the file names a model that there is not, or one as both.
    """
    document = read_document(file.read_text(encoding="utf-8"), file.name)
    if set(document) != {"spark", "cannot"}:
        raise ContractError(f"{file.name}: says `spark` (models) and `cannot` (model: reason)")
    spark, cannot = frozenset(document["spark"] or []), document["cannot"] or {}
    known = {model.full_name for model in graph.models}
    if unknown := sorted((spark | cannot.keys()) - known):
        raise ContractError(f"{file.name}: no model {', '.join(unknown)} in sql/")
    if both := sorted(spark & cannot.keys()):
        raise ContractError(f"{file.name}: {', '.join(both)} cannot run on Spark, and is placed there")
    return Placement(spark, cannot)
