"""Column lineage: from a column of any model back to the columns of contracts it rests on.

Here: following it. Not here: which columns models have (they say so), or doing this at import: it
takes seconds, so only documentation and tests ask for it.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from sqlglot import exp
from sqlglot.lineage import Node, lineage

from dagster_project.contracts.model import Catalogue
from dagster_project.errors import BuildError
from dagster_project.lake.coded import VIEWS
from dagster_project.lake.ddl import OPS_TABLES
from dagster_project.lake.ledger import FROZEN_TABLES, PAYMENT_TABLES, columns_of
from dagster_project.lake.upcast import lake_column_names
from dagster_project.lake.views import PROMISE
from dagster_project.rulebook import Rulebook
from dagster_project.sql_models import Model, ModelGraph

Columns = Mapping[str, tuple[str, ...]]
"""Columns by `<schema>.<table>`."""


@dataclass(frozen=True, order=True)
class Root:
    """A column that nothing of ours makes: `<schema>.<table>` and its name."""

    table: str
    column: str


def root_columns(
    catalogue: Catalogue, rulebooks: tuple[Rulebook, ...]
) -> dict[str, tuple[str, ...]]:
    """Columns that lineage may end in: of contracts, the register of deliveries, rulebooks."""
    found: dict[str, tuple[str, ...]] = {}
    for key in catalogue.tables():
        contract = catalogue.latest(key)
        names = tuple(lake_column_names(contract))
        found |= {
            f"{schema}.{contract.table}": names for schema in ("staging", "effective", "current")
        }
    for name, columns in OPS_TABLES.items():
        found[f"ops.{name}"] = tuple(c.split()[0] for c in columns.split(","))
    for schema, tables in (("mart", PAYMENT_TABLES), ("ledger", FROZEN_TABLES)):
        for name, definition in tables.items():
            found[f"{schema}.{name}"] = tuple(column for column, _ in columns_of(definition))
    found["effective.delivery"] = found["ops.delivery"]
    found |= {f"coded.{name}": columns for name, columns in VIEWS.items()}
    found[f"rulebook.{PROMISE}"] = ("source", "table_name", "sequence_step", "freshness_days")
    for book in rulebooks:
        found[f"rulebook.{book.name}"] = ("valid_from_date", *book.columns)
    return found


def column_lineage(graph: ModelGraph, roots: Columns) -> dict[str, dict[str, frozenset[Root]]]:
    """For every model and column, the root columns it rests on; empty for a constant or a count.

    Raises:
        BuildError: a model reads a column that no contract, rulebook or other model has.
    """
    known = dict(roots)
    found: dict[str, dict[str, frozenset[Root]]] = {}
    for model in graph.models:
        found[model.full_name] = _of_model(model, known, found)
        known[model.full_name] = tuple(found[model.full_name])
    return found


def _of_model(
    model: Model, known: Columns, done: Mapping[str, Mapping[str, frozenset[Root]]]
) -> dict[str, frozenset[Root]]:
    _check_reads(model, known)
    schema: dict[str, dict[str, dict[str, str]]] = {}
    for name in model.reads:
        database, table = name.split(".")
        schema.setdefault(database, {})[table] = dict.fromkeys(known[name], "unknown")
    columns = output_columns(model)
    return {
        column: _roots(lineage(column, model.sql, schema=schema, dialect="duckdb"), done)
        for column in columns
    }


def output_columns(model: Model) -> tuple[str, ...]:
    """Names that a model's outermost select gives, in order."""
    tree = model.tree
    select = tree.find(exp.Select) if not isinstance(tree, exp.Query) else tree
    if select is None:
        raise BuildError(f"{model.full_name} is no query")
    return tuple(select.named_selects)


def _check_reads(model: Model, known: Columns) -> None:
    missing = [name for name in sorted(model.reads) if name not in known]
    if missing:
        raise BuildError(
            f"{model.full_name} reads {', '.join(missing)},"
            " which no contract, rulebook or model has"
        )


def _roots(node: Node, done: Mapping[str, Mapping[str, frozenset[Root]]]) -> frozenset[Root]:
    found: set[Root] = set()
    for leaf in node.walk():
        if leaf.downstream or not isinstance(leaf.source, exp.Table):
            continue
        table = f"{leaf.source.db}.{leaf.source.name}"
        column = leaf.name.split(".")[-1]
        if table in done:
            found |= done[table].get(column, frozenset())
        else:
            found.add(Root(table, column))
    return frozenset(found)
