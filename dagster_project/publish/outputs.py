"""The flat tables of a release: their queries, their contracts, and whether the two agree.

Here: which tables are on which shelf, and holding one against its output contract. Not here: what a
figure means (`sql/mart`), writing files (`release`), what of a table is public (`disclosure`).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from typing import Any

from dagster_project.contracts.dictionary import DictionaryRow, dictionary_rows
from dagster_project.contracts.published import OutputColumn, OutputContract, Shelf
from dagster_project.errors import BuildError
from dagster_project.lake.connection import Lake
from dagster_project.lake.ledger import PAYMENT_TABLES, READ_WITHIN
from dagster_project.lake.ledger_dictionary import ledger_rows
from dagster_project.pipeline import Session
from dagster_project.publish.analyst import persons_of
from dagster_project.publish.manifest import Inputs
from dagster_project.settings import PROJECT_ROOT
from dagster_project.sql_models import Model, ModelGraph
from dagster_project.sql_text import quoted

DICTIONARY = "data_dictionary"
LEDGER = "ledger"
RISK = "risk"
DISCLOSED = "disclosed"
_OWN = "published"
_TYPES = {str: "VARCHAR", int: "BIGINT", bool: "BOOLEAN"}
RELEASE = "memory.release"
"""Schema of what is published, as of the release's snapshot."""
_ACTS = ("frozen_act", "frozen_act_fee")
_QUERIES = PROJECT_ROOT / "sql" / "publish"
"""Queries of tables that are published with more than the lake's own columns."""


@dataclass(frozen=True)
class Publication:
    """A table to publish."""

    name: str
    query: str
    contract: OutputContract | None
    """None where an installation's own mart has none: it is for named readers alone."""
    rests_on: tuple[str, ...]


@contextmanager
def read_at(session: Session, snapshot_id: int) -> Iterator[None]:
    """Have `release.<table>` mean each mart, and the ledger, as of a snapshot, and the dictionary.

    They are read once: each further question would cost the lake's catalog one.
    """
    lake = session.lake
    marts = [model.name for model in flat_marts(session.definition.graph)]
    named = [("mart", name) for name in (*marts, *PAYMENT_TABLES)]
    named += [(LEDGER, name) for name in _ACTS]
    try:
        with lake.transaction():  # outside of one each statement asks the catalog anew
            for schema, name in named:
                lake.execute(
                    f"create or replace table {RELEASE}.{quoted(name)} as"
                    f" select * from lake.{schema}.{quoted(name)} at (version => {snapshot_id})"
                )
        rows = [_flat(row) for row in told(session)]
        put_table(
            lake,
            DICTIONARY,
            {name: _TYPES[type(value)] for name, value in rows[0].items()},
            {name: [row[name] for row in rows] for name in rows[0]},
        )
        yield
    finally:
        for _, name in (*named, ("", DICTIONARY), ("", DISCLOSED)):
            lake.execute(f"drop table if exists {RELEASE}.{quoted(name)}")


def put_table(
    lake: Lake, name: str, types: Mapping[str, str], columns: Mapping[str, list[Any]]
) -> None:
    """Make `release.<name>` of columns of one length."""
    values = ", ".join(
        f"unnest(cast(${i} as {kind}[])) as {quoted(column)}"
        for i, (column, kind) in enumerate(types.items(), start=1)
    )
    lake.execute(
        f"create or replace table {RELEASE}.{quoted(name)} as select {values}",
        [columns[column] for column in types],
    )


def publications(session: Session) -> list[Publication]:
    """Every table for BI tools, once the snapshot is fixed: marts, payments, the dictionary."""
    contracts = session.definition.outputs.contracts
    graph, rests = session.definition.graph, _rests_on(session.definition.graph)
    rests = {m.name: rests[m.full_name] for m in flat_marts(graph)}
    rests |= dict.fromkeys(READ_WITHIN, (LEDGER,))
    found = [
        Publication(n, _query(n), contracts.get(n), (*on, f"{_OWN}/{n}")) for n, on in rests.items()
    ]
    own = contracts.get(DICTIONARY)
    return [*found, Publication(DICTIONARY, _query(DICTIONARY), own, (f"{_OWN}/{DICTIONARY}",))]


def flat_marts(graph: ModelGraph) -> list[Model]:
    """Marts that name no person: those that do are the analysts'."""
    return [m for m in graph.models if m.schema == "mart" and not persons_of(m)]


def _rests_on(graph: ModelGraph) -> dict[str, tuple[str, ...]]:
    """By model, every model and delivered table that it rests on, itself among them."""
    found: dict[str, frozenset[str]] = {}
    for model in graph.models:  # parents come first
        read = (parent.split(".") for parent in model.parents)
        direct = {name for schema, name in read if schema in ("staging", "rulebook")}
        parents = [found[p] for p in graph.upstream_models(model)]
        found[model.full_name] = frozenset({model.full_name, *direct}).union(*parents)
    return {name: tuple(sorted(names)) for name, names in found.items()}


def inputs(session: Session) -> Inputs:
    """What all of them rest on, by name."""
    definition, lake = session.definition, session.lake
    events = lake.rows("select table_name, max(event_id) from ops.delivery_event group by all")
    runs = lake.count("select coalesce(max(capitation_run_id), 0) from release.capitation_run")
    scored = lake.count(
        "select (select count(*) from risk.promotion)"
        " + (select count(distinct index_month) from risk.score)"
    )
    catalogue = definition.catalogue
    delivered = {catalogue.latest(k).table: catalogue.latest(k).sha256 for k in catalogue.tables()}
    outputs = {f"{_OWN}/{n}": c.sha256 for n, c in definition.outputs.contracts.items()}
    return Inputs(
        data=dict(sorted(events)) | {LEDGER: runs, RISK: scored},
        rulebooks=delivered | {book.name: book.sha256 for book in definition.rulebooks} | outputs,
        code={m.full_name: m.own_sha256 for m in definition.graph.models},
    )


def reached_date(lake: Lake) -> str:
    """Last day that a delivery of a month covers, as text; empty where there is none."""
    reached = lake.value("select reached_date from core.reached")
    return str(reached) if reached else ""


def _query(name: str) -> str:
    file = _QUERIES / f"{name}.sql"
    if file.exists():
        return file.read_text(encoding="utf-8")
    return f"select * from release.{quoted(name)}"


def public_dictionary(outputs: Mapping[str, OutputContract]) -> str:
    """Of the dictionary, what tells of public tables."""
    names = ", ".join(f"'{name}'" for name, c in sorted(outputs.items()) if c.is_public)
    return f"select * from release.{DICTIONARY} where source = '{_OWN}' and \"table\" in ({names})"


def told(session: Session) -> list[DictionaryRow]:
    """The data dictionary: delivered, paid and published columns."""
    outputs = session.definition.outputs.contracts.values()
    return [
        *dictionary_rows(session.definition.catalogue),
        *ledger_rows(),
        *(_row(c, column, i) for c in outputs for i, column in enumerate(c.columns, start=1)),
    ]


def _flat(row: DictionaryRow) -> dict[str, object]:
    """A dictionary row in types that every BI tool reads: lists become text."""
    return {
        name: "; ".join(value) if isinstance(value, tuple) else value
        for name, value in asdict(row).items()
    }


def _row(contract: OutputContract, column: OutputColumn, position: int) -> DictionaryRow:
    return DictionaryRow(
        source=_OWN,
        table=contract.table,
        version=contract.version,
        position=position,
        column=column.name,
        source_name="",
        business_name="",
        sql_type=column.sql_type,
        meaning=column.meaning,
        classification=Shelf.PUBLIC.value if contract.is_public else Shelf.INTERNAL.value,
        key=f"primary {column.key_position}" if column.key_position else "",
        is_required=column.is_required,
        is_in_lake=True,
        is_pseudonym=False,
        is_hidden_by_protection_order=False,
        codes=(),
        code_list="",
        rules=(f"disclosure: {column.disclosure.role}",) if column.disclosure else (),
        controller="organiser",
        register="",
    )


def check_output(lake: Lake, publication: Publication) -> None:
    """Hold a table against its contract.

    Raises:
        BuildError: columns, types, required values or the key are not as the contract says.
    """
    contract, name = publication.contract, publication.name
    if contract is None:
        return
    found = {n: kind for n, kind, *_ in lake.rows(f"describe {publication.query}")}
    due = {column.name: column.sql_type for column in contract.columns}
    wrong = [f"{n} is not in the contract" for n in found if n not in due]
    wrong += [f"{n} is due and not there" for n in due if n not in found]
    wrong += [
        f"{n} is {found[n]} and {due[n]} is due" for n in due if n in found and found[n] != due[n]
    ]
    if not wrong and list(found) != list(due):
        wrong = ["its columns stand in another order"]
    wrong = wrong or _wrong_rows(lake, publication.query, contract)
    if wrong:
        raise BuildError(
            f"{name} and data_contracts/published/{name} disagree: {'; '.join(wrong)}."
            " Mend the model, or give the contract a new version; nothing is published"
        )


def _wrong_rows(lake: Lake, query: str, contract: OutputContract) -> list[str]:
    required = [column.name for column in contract.columns if column.is_required]
    counts = ", ".join(["count(*)", *(f"count({quoted(name)})" for name in required)])
    total, *given = lake.rows(f"select {counts} from ({query})")[0]
    wrong = [
        f"{total - n} rows lack {name}"
        for name, n in zip(required, given, strict=True)
        if n < total
    ]
    key = ", ".join(map(quoted, contract.key))
    if contract.key:
        distinct = f"select count(*) from (select distinct {key} from ({query}))"
        if (doubled := total - lake.count(distinct)) > 0:
            wrong.append(f"{doubled} rows repeat the key ({', '.join(contract.key)})")
    return wrong
