"""The files in `sql/`: one model per file, its header and what it reads.

Here: finding, parsing and ordering models. Not here: running them (`lake.builds`).

A header is YAML in leading `--` lines: `grain` (one sentence), `key` (columns that are unique),
`partition` (a month column; without it the model is built whole), `touched` (queries for the
months to rebuild, over `changed.<name>`: first those that may touch them all, since no more are
asked then), `purpose` of a mart, `may_be_empty` and why.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import sqlglot
import yaml
from sqlglot import exp

from dagster_project.errors import BuildError

SCHEMAS = ("core", "indicator", "mart")
PURPOSES = {
    "knowledge management": frozenset({"public", "population", "health", "social"}),
    "client work": frozenset({"public", "population", "health", "social"}),
    "research": frozenset({"public", "population", "health", "social"}),
}
"""Registers that a mart may read, by its purpose. The occupational register is its controller's
alone: none of the organiser's purposes reads it (Act on the Processing of Client Data in Healthcare
and Social Welfare 703/2023; Act on the Secondary Use of Health and Social Data 552/2019, § 41)."""
_KEYS = frozenset({"grain", "key", "partition", "touched", "purpose", "may_be_empty"})


@dataclass(frozen=True)
class Model:
    """One SQL model: `<schema>.<name>` from `sql/<schema>/<name>.sql`."""

    schema: str
    name: str
    sql: str
    grain: str
    key: tuple[str, ...]
    partition: str | None
    touched: tuple[str, ...]
    purpose: str
    may_be_empty: str
    """Why no rows may be due; empty where some always are."""

    @property
    def full_name(self) -> str:
        """`<schema>.<name>`."""
        return f"{self.schema}.{self.name}"

    @cached_property
    def own_sha256(self) -> str:
        """Of the query and of what it rebuilds, not of what it rests on."""
        text = "\n".join([self.sql, repr(self.touched), repr(self.partition)])
        return hashlib.sha256(text.encode()).hexdigest()

    @cached_property
    def tree(self) -> exp.Expr:
        """The query, parsed."""
        return sqlglot.parse_one(self.sql, read="duckdb")

    @property
    def columns(self) -> tuple[str, ...]:
        """Columns of its table, in order."""
        return tuple(self.tree.named_selects) if isinstance(self.tree, exp.Query) else ()

    @cached_property
    def reads(self) -> frozenset[str]:
        """Tables and views the query reads, as `<schema>.<name>`."""
        return tables_read(self.tree)

    @cached_property
    def parents(self) -> frozenset[str]:
        """What must be there first: tables read by the query or by the touched-month queries.

        Views over a staging table (`current.x`) count as `staging.x`; those over every coded column
        (`coded.x`) as `ops.x`, for they change with any delivery.
        """
        touched = (sqlglot.parse_one(sql, read="duckdb") for sql in self.touched)
        found = self.reads.union(*map(tables_read, touched))
        return frozenset(_base(name) for name in found)


def _base(name: str) -> str:
    schema, table = name.split(".")
    if name == "effective.delivery":
        return "ops.delivery"
    if schema == "coded":
        return f"ops.{table}"
    return f"staging.{table}" if schema in ("effective", "current") else name


def tables_read(tree: exp.Expr) -> frozenset[str]:
    """Tables and views that a query reads, as `<schema>.<name>`."""
    return frozenset(f"{t.db}.{t.name}" for t in tree.find_all(exp.Table) if t.db)


@dataclass(frozen=True)
class ModelGraph:
    """All models, parents before children, and a fingerprint of each and all it rests on."""

    models: tuple[Model, ...]
    fingerprints: Mapping[str, str]

    def model(self, full_name: str) -> Model:
        """Model by its full name.

        Raises:
            BuildError: there is none.
        """
        found = self._by_name.get(full_name)
        if found is None:
            raise BuildError(f"no model {full_name} in sql/")
        return found

    @cached_property
    def _by_name(self) -> Mapping[str, Model]:
        return {model.full_name: model for model in self.models}

    @cached_property
    def _full_names(self) -> Mapping[str, str]:
        return {model.name: model.full_name for model in self.models}

    def upstream_models(self, model: Model) -> tuple[str, ...]:
        """Models that this one reads directly; `changed.<model>` counts."""
        names = self._full_names
        parents = {
            names.get(p.split(".")[1], p) if p.startswith("changed.") else p for p in model.parents
        }
        return tuple(sorted(p for p in parents if p.split(".")[0] in SCHEMAS))

    def sources(self, model: Model) -> frozenset[str]:
        """Staging tables (by table name) that the model rests on, directly or not."""
        return self._sources[model.full_name]

    @cached_property
    def _sources(self) -> Mapping[str, frozenset[str]]:
        changed_models = {f"changed.{m.name}" for m in self.models}
        found: dict[str, frozenset[str]] = {}
        for model in self.models:  # parents come first
            direct = {
                p.split(".")[1]
                for p in model.parents - changed_models
                if p.startswith(("staging.", "changed.", "rulebook.", "ops.coded_"))
            }
            inherited = [found[p] for p in self.upstream_models(model)]
            found[model.full_name] = frozenset(direct).union(*inherited)
        return found

    @property
    def sha256(self) -> str:
        """Of all models together."""
        joined = "".join(self.fingerprints[m.full_name] for m in self.models)
        return hashlib.sha256(joined.encode()).hexdigest()


def load_models(
    root: Path,
    contract_hashes: Mapping[str, str],
    *,
    beside: Path | None = None,
    also: tuple[Model, ...] = (),
) -> ModelGraph:
    """Read every model below `sql/` and put parents before children.

    Args:
        root: the folder `sql/`.
        contract_hashes: of the newest contract of each staging table, by table name.
        beside: another folder of that kind, whose models count as if they lay in the first.
        also: models that no file holds, since they only bring others together.

    Raises:
        BuildError: a header is wrong, a model reads a table nobody makes, two models have one
            name, or models form a ring.
    """
    models: dict[str, Model] = {model.full_name: model for model in also}
    for path in _model_files(root, beside):
        model = _load(path)
        if model.full_name in models:
            raise BuildError(f"{path}: there is a model {model.full_name} already; rename this one")
        models[model.full_name] = model
    ordered: dict[str, Model] = {}
    for model in models.values():
        _place(model, models, ordered, trail=())
    graph = ModelGraph(tuple(ordered.values()), {})
    return ModelGraph(graph.models, _fingerprints(graph, contract_hashes))


def _model_files(root: Path, beside: Path | None) -> list[Path]:
    if beside and not any((beside / s).is_dir() for s in SCHEMAS):
        raise BuildError(
            f"{beside}: holds no models; put them in its folders core, indicator and mart"
        )
    roots = (root, beside) if beside else (root,)
    return [path for s in SCHEMAS for r in roots for path in sorted((r / s).glob("*.sql"))]


def check_purposes(graph: ModelGraph, registers: Mapping[str, str]) -> None:
    """See that no mart reads a register that its purpose does not allow.

    Args:
        graph: All models.
        registers: Register of each staging table, by table name.

    Raises:
        BuildError: one does.
    """
    for model in graph.models:
        read = {registers[table] for table in graph.sources(model) if table in registers}
        forbidden = sorted(read - PURPOSES[model.purpose]) if model.schema == "mart" else []
        if forbidden:
            raise BuildError(
                f"{model.full_name} reads the {', '.join(forbidden)} register, which its purpose"
                f" ({model.purpose}) does not allow"
            )


def _place(
    model: Model, models: Mapping[str, Model], ordered: dict[str, Model], *, trail: tuple[str, ...]
) -> None:
    if model.full_name in ordered:
        return
    if model.full_name in trail:
        raise BuildError(
            f"models read each other in a ring: {' → '.join([*trail, model.full_name])}"
        )
    for parent in sorted(model.parents):
        schema, name = parent.split(".")
        candidates = [parent] if schema in SCHEMAS else [f"{s}.{name}" for s in SCHEMAS]
        for candidate in candidates if schema in (*SCHEMAS, "changed") else ():
            if candidate in models:
                _place(models[candidate], models, ordered, trail=(*trail, model.full_name))
            elif schema in SCHEMAS:
                raise BuildError(f"{model.full_name} reads {parent}, which no model makes")
    ordered[model.full_name] = model


def _fingerprints(graph: ModelGraph, contract_hashes: Mapping[str, str]) -> dict[str, str]:
    found: dict[str, str] = {}
    for model in graph.models:
        parts = [model.own_sha256]
        parts += [found[p] for p in graph.upstream_models(model)]
        parts += [contract_hashes.get(s, "") for s in sorted(graph.sources(model))]
        found[model.full_name] = hashlib.sha256("\n".join(parts).encode()).hexdigest()
    return found


def _load(path: Path) -> Model:
    text = path.read_text(encoding="utf-8")
    header, sql = _split(text)
    where = f"sql/{path.parent.name}/{path.name}"
    _check_header(header, where)
    model = Model(
        schema=path.parent.name,
        name=path.stem,
        sql=sql,
        grain=header["grain"],
        key=tuple(header["key"]),
        partition=header.get("partition"),
        touched=tuple(header.get("touched", ())),
        purpose=header.get("purpose", ""),
        may_be_empty=header.get("may_be_empty", ""),
    )
    if bool(model.partition) != bool(model.touched):
        raise BuildError(f"{where}: `partition` and `touched` go together; give both or neither")
    return model


def _split(text: str) -> tuple[dict[str, Any], str]:
    lines = text.splitlines()
    end = next((i for i, line in enumerate(lines) if not line.startswith("--")), len(lines))
    header = yaml.safe_load(
        "\n".join(line.removeprefix("--").removeprefix(" ") for line in lines[:end])
    )
    return header if isinstance(header, dict) else {}, "\n".join(lines[end:]).strip().rstrip(";")


def _check_header(header: dict[str, Any], where: str) -> None:
    unknown = set(header) - _KEYS
    missing = {"grain", "key"} - set(header)
    if unknown or missing:
        raise BuildError(
            f"{where}: the header lacks {sorted(missing)} and has unknown {sorted(unknown)};"
            f" it may say {sorted(_KEYS)}"
        )
    if where.startswith("sql/mart/") and header.get("purpose") not in PURPOSES:
        raise BuildError(f"{where}: a mart states its `purpose`, one of {sorted(PURPOSES)}")
    if not str(header["grain"]).startswith("One row per "):
        raise BuildError(f"{where}: `grain` is one sentence that starts with 'One row per'")
