"""Which model runs where: `sql/placement.yaml`, obeyed where an installation has Spark.

Here: reading it, and the engine of each model. Not here: the engines (`engines`, `spark`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from dagster_project.contracts.model import Catalogue
from dagster_project.errors import ContractError
from dagster_project.lake import coded, views
from dagster_project.lake.connection import Lake
from dagster_project.lake.engines import DuckDB, Engine
from dagster_project.lake.spark.engine import Spark
from dagster_project.rulebook import read_document
from dagster_project.sql_models import Model, ModelGraph

FILE = "placement.yaml"


@dataclass(frozen=True)
class Placement:
    """Models that run on Spark where there is one, and those that cannot, with the reason."""

    spark: frozenset[str] = frozenset()
    cannot: Mapping[str, str] = field(default_factory=dict)


def load_placement(root: Path, graph: ModelGraph, *, beside: Path | None = None) -> Placement:
    """The placement in a folder of models, and in the one beside it if that has any.

    Raises:
        ContractError: a file is no such YAML, names a model that there is not, or one as both.
    """
    files = [root / FILE, *([beside / FILE] if beside and (beside / FILE).exists() else [])]
    placed = [_read(file, graph) for file in files]
    spark = frozenset[str]().union(*(one.spark for one in placed))
    cannot = {name: reason for one in placed for name, reason in one.cannot.items()}
    if both := sorted(spark & cannot.keys()):
        raise ContractError(f"{FILE}: {', '.join(both)} cannot run on Spark, and is placed there")
    return Placement(spark, cannot)


def _read(file: Path, graph: ModelGraph) -> Placement:
    document = read_document(file.read_text(encoding="utf-8"), str(file))
    if set(document) != {"spark", "cannot"}:
        raise ContractError(f"{file}: says `spark` (a list of models) and `cannot` (model: reason)")
    placed = Placement(frozenset(document["spark"] or ()), document["cannot"] or {})
    known = {model.full_name for model in graph.models}
    if unknown := sorted((placed.spark | placed.cannot.keys()) - known):
        raise ContractError(f"{file}: no model {', '.join(unknown)} in sql/")
    return placed


@dataclass(frozen=True)
class Engines:
    """What an open lake's models run on."""

    duckdb: DuckDB
    spark: Spark | None
    placement: Placement

    def of(self, model: Model) -> Engine:
        """The engine that a model runs on."""
        if self.spark and model.full_name in self.placement.spark:
            return self.spark
        return self.duckdb


@contextmanager
def open_engines(
    lake: Lake, graph: ModelGraph, catalogue: Catalogue, placement: Placement
) -> Iterator[Engines]:
    """The engines that the settings name; Spark starts with the first model placed on it."""
    has_spark = lake.settings.engine != "duckdb"
    spark = Spark(lake, graph, queries_of_views(catalogue)) if has_spark else None
    try:
        yield Engines(DuckDB(lake), spark, placement)
    finally:
        if spark:
            spark.close()


def queries_of_views(catalogue: Catalogue) -> dict[str, str]:
    """What the views over rows are, by `<schema>.<name>`."""
    newest = [catalogue.latest(key) for key in catalogue.tables()]
    rows = {
        f"{schema}.{contract.table}": sql
        for contract in newest
        for schema, sql in views.row_queries(contract).items()
    }
    return rows | {f"coded.{name}": sql for name, sql in coded.coded_queries(catalogue).items()}
