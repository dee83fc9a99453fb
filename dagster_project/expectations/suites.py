"""Suites of expectations, generated from the contracts: one per table.

A suite looks at two views: the table's rows (each with the last day its delivery covers), and its
deliveries (each with its counts). Every expectation has the id of the contract's rule, so that its
verdict can be held against the gate's.

Here: what is expected, of which view, in whose words. Not here: asking Great Expectations
(`validation`), or what a rule means in SQL (`contracts`, `lake.gate`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

import sqlglot
from sqlglot import exp

from dagster_project.contracts.model import (
    Catalogue,
    Column,
    Contract,
    DatasetRule,
    Dimension,
    Reference,
    RowRule,
    Severity,
)
from dagster_project.expectations.natives import Native, native_of
from dagster_project.lake import gate
from dagster_project.lake.freshness import promised_to
from dagster_project.sql_text import literal, quoted

PROTECTED = "is_protected"
"""Column of the view of rows: the row is of somebody under a protection order."""


_IMPLIED = {
    "required": "Is given.",
    "type": "Is of its type.",
    "missing_hour": "Is no time in the hour that spring skips.",
    gate.IDENTITY_RULE: "Is a personal identity code.",
    gate.NO_IDENTITY_RULE: "Holds nobody's personal identity code.",
    "duplicate": "A key stands once in a delivery.",
    "broken": "The record can be read.",
}
"""What the rules say that no contract needs to state."""


class Kind(StrEnum):
    """What an expectation is about."""

    ROW = "row"
    KEY = "key"
    REFERENCE = "reference"
    VOLUME = "volume"
    FRESHNESS = "freshness"
    DISTRIBUTION = "distribution"


@dataclass(frozen=True)
class Expected:
    """One expectation: the library's own, or a condition in SQL that no row meets."""

    id: str
    kind: Kind
    severity: Severity
    dimension: Dimension
    description: str
    test: Native | str
    """A string is SQL over `{batch}` that gives one row for everything broken."""
    column: Column | None = None


@dataclass(frozen=True)
class Suite:
    """What is expected of one table: of its rows, and of its deliveries."""

    contract: Contract
    rows_sql: str
    rows: tuple[Expected, ...]
    deliveries_sql: str
    deliveries: tuple[Expected, ...]


def of_staging(contract: Contract, catalogue: Catalogue, as_of: date) -> Suite:
    """The suite of a table's accepted rows, and of its deliveries on a given day."""
    rows = (
        *_of_keys(contract),
        *_of_columns(contract),
        *(_row_rule(r, contract, PROTECTED) for r in contract.row_rules if _is_judged(r, contract)),
        *(_reference(r, contract, catalogue) for r in contract.references),
    )
    deliveries = (
        *map(_dataset_rule, contract.dataset_rules),
        _volume(),
        *_freshness(contract, as_of),
        _distribution(),
    )
    return Suite(contract, _staged_sql(contract), rows, _deliveries_sql(contract), deliveries)


def of_delivery(contract: Contract, sequence: int, records: str) -> Suite:
    """The suite of one delivery's records as they were sent, to hold against the gate.

    Args:
        contract: in which the delivery was sent.
        sequence: of the delivery.
        records: table of what `gate.typed_sql` gives, once the codes of persons are registered.
    """
    rules = {rule.id: rule for rule in gate.rules_of(contract)}
    stated = {rule.id: rule for rule in contract.row_rules}
    day = contract.delivery.last_date(sequence)
    rows = (
        *(
            _row_rule(stated[i], contract, None) if i in stated else _implied(rules[i], contract)
            for i in rules
        ),
        *map(_dataset_rule_of_records, contract.dataset_rules),
    )
    return Suite(contract, _sent_sql(contract, day, records, tuple(rules.values())), rows, "", ())


def _sent_sql(contract: Contract, day: date, records: str, rules: tuple[gate.GateRule, ...]) -> str:
    """Records as text and typed; `is_left` are those that the gate would quarantine."""
    unknown = [_unknown_code(c) for c in contract.identities]
    broken = [
        f"coalesce({r.broken}, false)" for r in rules if r.broken and r.severity is Severity.ERROR
    ]
    left = " or ".join([*unknown, *broken]) or "false"
    last = f"date '{day}'"
    return (
        f"select *, rowid + 1 as record_number, {last} as covers_to_date,"
        f" {left.replace('$delivery_date', last)} as is_left"
        f" from {records}"
    )


def _unknown_code(column: Column) -> str:
    name = quoted(column.name)
    return (
        f"({name} is not null and {name} not in"
        " (select identity_code from identity_map where identity_code is not null))"
    )


def _implied(rule: gate.GateRule, contract: Contract) -> Expected:
    """A rule that follows from a column's type, presence or identity, or from the key."""
    name, _, what = rule.id.partition(".")
    column = next((c for c in contract.columns if c.name == name), None)
    test: Native | str
    if rule.id == gate.DUPLICATE_RULE:
        test = _duplicates(contract)
    elif what == gate.IDENTITY_RULE and column is not None:
        test = f"select 1 as broken from {{batch}} where {_unknown_code(column)}"
    elif column is not None and rule.broken == f"raw_{contract.columns.index(column)} is null":
        test = Native("ExpectColumnValuesToNotBeNull", {"column": rule.broken.split()[0]})
    else:
        test = _no_row(str(rule.broken))
    kind = Kind.KEY if rule.id == gate.DUPLICATE_RULE else Kind.ROW
    words = _IMPLIED[what]
    return Expected(rule.id, kind, rule.severity, rule.dimension, words, test, column)


def _duplicates(contract: Contract) -> str:
    """All but the last of the sound records of a key, by its own update time, then by place."""
    key = ", ".join(quoted(name) for name in contract.primary_key)
    updated_at = contract.delivery.updated_at_column
    order = f"{quoted(updated_at)} desc nulls last, " if updated_at else ""
    return (
        "select 1 as broken from (select row_number() over"
        f" (partition by {key} order by {order}record_number desc) as place"
        " from {batch} where not is_left) as ranked where place > 1"
    )


def _row_rule(rule: RowRule, contract: Contract, exempt: str | None) -> Expected:
    """A rule that the contract states over a row.

    Args:
        rule: the rule.
        contract: the contract that states it.
        exempt: column that is true of rows whose places are hidden, which rules over places spare.
    """
    names = _columns_of(rule)
    hides = exempt is not None and any(contract.column(n).is_place for n in names)
    native = None if hides else native_of(rule.expression)
    condition = f"not ({rule.expression})".replace("$delivery_date", "covers_to_date")
    spared = f" and not {exempt}" if hides and contract.identities else ""
    column = contract.column(rule.column) if rule.column else None
    test = native or _no_row(condition + spared)
    return Expected(
        rule.id, Kind.ROW, rule.severity, rule.dimension, rule.description, test, column
    )


def _no_row(condition: str) -> str:
    return f"select 1 as broken from {{batch}} where {_braced(condition)}"


def _braced(sql: str) -> str:
    """SQL whose own braces the library leaves alone."""
    return sql.replace("{", "{{").replace("}", "}}")


def warnings_of(contract: Contract) -> tuple[RowRule, ...]:
    """Rules whose rows are taken in all the same, as far as staging can tell them."""
    warned = (r for r in contract.row_rules if r.severity is Severity.WARNING)
    return tuple(r for r in warned if _is_judged(r, contract))


def broken_rows_sql(contract: Contract, rule: RowRule) -> str:
    """Accepted rows in force that break a rule."""
    condition = f"not ({rule.expression})".replace("$delivery_date", "covers_to_date")
    return f"select * from ({_staged_sql(contract)}) as staged where {condition}"


def _columns_of(rule: RowRule) -> set[str]:
    return {c.name for c in sqlglot.parse_one(rule.expression, read="duckdb").find_all(exp.Column)}


def _is_judged(rule: RowRule, contract: Contract) -> bool:
    """Whether staging holds all that a rule reads; what the vault alone has is judged at the gate.

    A person's code is another value in the lake: of it, nothing but its presence can be told.
    """
    read = [contract.column(name) for name in _columns_of(rule)]
    return not any(c.is_vault_only or c.is_identity for c in read)


def _of_keys(contract: Contract) -> Iterator[Expected]:
    stated = [*contract.primary_key, "delivery_sequence"]
    for rule_id, columns, words in (
        (gate.DUPLICATE_RULE, stated, "A key stands once in a delivery."),
        ("record.unique", ["delivery_sequence", "record_number"], "A record is accepted once."),
    ):
        test = Native("ExpectCompoundColumnsToBeUnique", {"column_list": columns})
        yield Expected(rule_id, Kind.KEY, Severity.ERROR, Dimension.CONFORMANCE, words, test)


def _of_columns(contract: Contract) -> Iterator[Expected]:
    """Types of all columns at once, and presence where it is due: hidden places are no fault."""
    kinds = {c.name: "BIGINT" if c.is_identity else c.sql_type for c in contract.lake_columns}
    other = " or ".join(f"typeof({quoted(n)}) <> {literal(kind)}" for n, kind in kinds.items())
    yield Expected(
        "row.types",
        Kind.ROW,
        Severity.ERROR,
        Dimension.CONFORMANCE,
        "Every column is of its contract's type.",
        _no_row(other),
    )
    for column in contract.lake_columns:
        if column.is_required or column.primary_key_position is not None:
            yield _presence(column, hides=column.is_place and bool(contract.identities))


def _presence(column: Column, *, hides: bool) -> Expected:
    test: Native | str = Native("ExpectColumnValuesToNotBeNull", {"column": column.name})
    if hides:
        test = _no_row(f"{quoted(column.name)} is null and not {PROTECTED}")
    return Expected(
        f"{column.name}.required",
        Kind.ROW,
        Severity.ERROR,
        Dimension.COMPLETENESS,
        "Is given.",
        test,
        column,
    )


def _reference(reference: Reference, contract: Contract, catalogue: Catalogue) -> Expected:
    """Rows that name a row of another table which no delivery in force has brought."""
    target = catalogue.latest(reference.to_contract)
    pairs = list(zip(reference.columns, reference.to_columns, strict=True))
    given = " and ".join(f"named.{quoted(a)} is not null" for a, _ in pairs)
    found = " and ".join(f"named.{quoted(a)} = found.{quoted(b)}" for a, b in pairs)
    return Expected(
        f"{'_'.join(reference.columns)}.reference",
        Kind.REFERENCE,
        Severity.WARNING,
        Dimension.PLAUSIBILITY,
        f"Names a row of {reference.to_contract}.",
        f"select 1 as broken from {{batch}} as named anti join"
        f" (from effective.{quoted(target.table)}) as found on {found} where {given}",
        contract.column(reference.columns[0]),
    )


def _dataset_rule(rule: DatasetRule) -> Expected:
    """A contract's rule over a whole delivery, of each delivery taken in."""
    test = Native("ExpectColumnValuesToBeBetween", {"column": rule.metric} | _bounds(rule))
    return Expected(
        rule.id, Kind.VOLUME, rule.severity, rule.dimension, rule.description, test, None
    )


def _dataset_rule_of_records(rule: DatasetRule) -> Expected:
    """The same of the records of one delivery."""
    test: Native | str
    if rule.metric == "row_count":
        test = Native("ExpectTableRowCountToBeBetween", _bounds(rule))
    else:
        test = (
            "select 1 as broken from (select 100.0 * count(*) filter (where is_left)"
            " / nullif(count(*), 0) as quarantined_share from {batch}) as counted"
            f" where quarantined_share > {rule.maximum}"
        )
    return Expected(
        rule.id, Kind.VOLUME, rule.severity, rule.dimension, rule.description, test, None
    )


def _bounds(rule: DatasetRule) -> dict[str, object]:
    low = {} if rule.minimum is None else {"min_value": rule.minimum}
    high = {} if rule.maximum is None else {"max_value": rule.maximum}
    return {**low, **high}


def _volume() -> Expected:
    return Expected(
        "volume.as_before",
        Kind.VOLUME,
        Severity.WARNING,
        Dimension.PLAUSIBILITY,
        "Rows are between half and twice the median of the preceding year's deliveries.",
        Native("ExpectColumnValuesToBeInSet", {"column": "is_odd_volume", "value_set": [False]}),
    )


def _freshness(contract: Contract, as_of: date) -> Iterator[Expected]:
    """What had to be here by that day, where deliveries are ever due."""
    due = promised_to(contract, as_of)
    if due is not None:
        yield Expected(
            "freshness.up_to_date",
            Kind.FRESHNESS,
            Severity.WARNING,
            Dimension.PLAUSIBILITY,
            f"Covers {due} by {as_of}: promised {contract.freshness_days} days after its last day.",
            Native("ExpectColumnMaxToBeBetween", {"column": "covers_to_date", "min_value": due}),
        )


def _distribution() -> Expected:
    return Expected(
        "distribution.stable",
        Kind.DISTRIBUTION,
        Severity.WARNING,
        Dimension.PLAUSIBILITY,
        "No column is distributed otherwise than in the preceding year (PSI, mart.data_drift).",
        Native("ExpectColumnValuesToBeBetween", {"column": "drifted_count", "max_value": 0}),
    )


def _mine(contract: Contract) -> str:
    return f"source = {literal(contract.source)} and table_name = {literal(contract.table)}"


def _staged_sql(contract: Contract) -> str:
    """Rows in force with the last day that their delivery covers, and whether they are hidden."""
    persons = " or ".join(
        f"coalesce({quoted(c.name)} in (select person_id from protected_person), false)"
        for c in contract.identities
    )
    return (
        f"select staged.*, delivery.covers_to_date, {persons or 'false'} as {PROTECTED}"
        f" from effective.{quoted(contract.table)} as staged"
        f" left join (select delivery_sequence, covers_to_date from ops.delivery"
        f" where {_mine(contract)}) as delivery using (delivery_sequence)"
    )


def _deliveries_sql(contract: Contract) -> str:
    """Deliveries in force with their counts, and what the marts of quality say of each."""
    return (
        "select delivery.covers_to_date, delivery.received_count as row_count,"
        " 100.0 * delivery.quarantined_count / nullif(delivery.received_count, 0)"
        " as quarantined_share, coalesce(volume.violated_count > 0, false) as is_odd_volume,"
        " coalesce(drift.drifted_count, 0) as drifted_count"
        f" from (from effective.delivery where {_mine(contract)}) as delivery"
        " left join (select delivery_sequence, violated_count from mart.data_quality"
        f" where {_mine(contract)} and rule_id = 'volume.as_before') as volume"
        " using (delivery_sequence)"
        " left join (select delivery_sequence, count(*) filter (where is_drifted) as drifted_count"
        f" from mart.data_drift where {_mine(contract)} group by delivery_sequence) as drift"
        " using (delivery_sequence)"
    )
