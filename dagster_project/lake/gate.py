"""The gate: one pass over a delivery that casts every field and judges every row rule.

Here: text records to a table in memory (typed columns, `failed` = broken rules as a bit mask), and
from such tables, of one contract and shown as `gate`, what is accepted, quarantined and duplicate.
Not here: reading bytes (`sources`), writing to the lake (`delivery`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import duckdb

from dagster_project.contracts.model import (
    Column,
    Contract,
    Dimension,
    RowRule,
    Severity,
)
from dagster_project.errors import ContractError, DeliveryRefused, TietoallasError
from dagster_project.lake.casts import cast, to_utc
from dagster_project.lake.connection import Lake, without_values
from dagster_project.sources.formats import Relation
from dagster_project.sources.readable import format_of
from dagster_project.sql_text import quoted
from dagster_project.vault.identity_codes import holds_code_sql

MAX_RULES = 62
IDENTITY_RULE = "identity_code"
NO_IDENTITY_RULE = "no_identity_code"
"""Of text that goes to the lake as it is: nobody's code is typed into it."""
DUPLICATE_RULE = "primary_key.duplicate"
BROKEN_RULE = "row.broken"
_UNREADABLE = (duckdb.InvalidInputException, duckdb.DataError, duckdb.NotSupportedError)
"""What DuckDB raises over a file's content."""


@dataclass(frozen=True)
class GateRule:
    """A rule with the SQL that is true where a row breaks it; None where it is judged later."""

    id: str
    severity: Severity
    dimension: Dimension
    broken: str | None


@dataclass(frozen=True)
class RuleCount:
    """How often one rule was broken in a delivery."""

    rule: GateRule
    violated: int
    checked: int | None = None
    """What was looked at, where that is not every record received."""


@dataclass(frozen=True)
class Verdict:
    """What the gate found: the first conservation law holds by these four."""

    received: int
    accepted: int
    quarantined: int
    duplicate: int
    rules: tuple[RuleCount, ...]


def rules_of(contract: Contract) -> tuple[GateRule, ...]:
    """Every rule a row of this contract is judged by, in the order of their bits.

    Raises:
        ContractError: there are more rules than bits.
    """
    rules: list[GateRule] = []
    whole = ""
    if format_of(contract).MAY_BREAK_RECORDS:
        rules.append(GateRule(BROKEN_RULE, Severity.ERROR, Dimension.CONFORMANCE, "is_broken"))
        whole = " and not is_broken"
    for index, column in enumerate(contract.columns):
        rules.extend(_column_rules(column, f"raw_{index}", whole))
    rules.extend(_row_rule(rule) for rule in contract.row_rules)
    bits = sum(r.broken is not None for r in rules)
    if bits > MAX_RULES:
        raise ContractError(
            f"{contract.key}: {bits} row rules; the gate judges {MAX_RULES} at most"
        )
    rules.append(GateRule(DUPLICATE_RULE, Severity.ERROR, Dimension.CONFORMANCE, None))
    return tuple(rules)


def _column_rules(column: Column, raw: str, whole: str) -> list[GateRule]:
    name = quoted(column.name)
    rules = []
    if column.is_required or column.primary_key_position is not None:
        missing = f"{raw} is null{whole}"
        rules.append(
            GateRule(f"{column.name}.required", Severity.ERROR, Dimension.COMPLETENESS, missing)
        )
    if column.is_identity:
        rule_id = f"{column.name}.{IDENTITY_RULE}"
        rules.append(GateRule(rule_id, Severity.ERROR, Dimension.CONFORMANCE, None))
    elif column.sql_type == "TIMESTAMP":
        local = quoted(f"local_{column.name}")
        rules.append(_conformance(f"{column.name}.type", f"{raw} is not null and {local} is null"))
        rules.append(
            _conformance(f"{column.name}.missing_hour", f"{local} is not null and {name} is null")
        )
    elif column.sql_type != "VARCHAR":
        rules.append(_conformance(f"{column.name}.type", f"{raw} is not null and {name} is null"))
    elif not column.is_vault_only:
        rules.append(_conformance(f"{column.name}.{NO_IDENTITY_RULE}", holds_code_sql(raw)))
    return rules


def _conformance(rule_id: str, broken: str) -> GateRule:
    return GateRule(rule_id, Severity.ERROR, Dimension.CONFORMANCE, broken)


def _row_rule(rule: RowRule) -> GateRule:
    return GateRule(rule.id, rule.severity, rule.dimension, f"not ({rule.expression})")


def read(lake: Lake, contract: Contract, sequence: int, path: Path, *, into: str) -> None:
    """Cast and judge a delivery into a table in memory, in file order.

    Raises:
        DeliveryRefused: the file cannot be read as the contract says.
        SettingsError: memory or disk is full.
        TietoallasError: the database fails by itself.
    """
    form = format_of(contract)
    sql = gate_sql(contract, sequence, form.relation(path, contract, sequence))
    try:
        lake.execute(f"create or replace table memory.main.{into} as {sql}")
    except duckdb.Error as error:
        raise failure(error, contract, path, f"reading {contract.key} {sequence}") from None
    form.check_count(path, contract, lake.count(f"select count(*) from memory.main.{into}"))


def failure(error: duckdb.Error, contract: Contract, path: Path, doing: str) -> TietoallasError:
    """What to raise where the engine gives up on a prepared file.

    Its message quotes the line, hence a person: only the rule and the line go on.
    """
    # What is wrong with Parquet's own framing comes without a class.
    is_content = isinstance(error, _UNREADABLE) or type(error) is duckdb.Error
    refusal = format_of(contract).refusal(path, contract, str(error), is_content=is_content)
    return refusal or without_values(error, doing)


def find_new_codes(
    lake: Lake, contract: Contract, records: Mapping[int, str], *, into: str
) -> None:
    """Put the codes that have no person yet into a table in memory, each with its deliveries.

    Args:
        lake: Its database holds the tables.
        contract: Of the records.
        records: Tables of deliveries, by sequence.
        into: Name of the table to make (identity_code, delivery_sequence).
    """
    codes = " union all ".join(
        f"select {quoted(column.name)} as identity_code, cast({sequence} as bigint)"
        f" as delivery_sequence from memory.main.{table}"
        for sequence, table in records.items()
        for column in contract.identities
    )
    none = "select null::varchar as identity_code, null::bigint as delivery_sequence where false"
    new_codes = (
        f"select distinct * from ({codes}) as sent anti join identity_map using (identity_code)"
        " where identity_code is not null"
    )
    sql = new_codes if codes else none
    lake.execute(f"create or replace table memory.main.{into} as {sql}")


def show(lake: Lake, records: Mapping[int, str], new_codes: str) -> None:
    """Show what was read as `gate`, each record with its delivery and its number in the file.

    Beside it `new_code`, as `find_new_codes` made it.

    Args:
        lake: Its database holds the tables.
        records: Tables of one contract's deliveries, by sequence; at least one.
        new_codes: Table of their new codes.
    """
    gate = " union all ".join(
        f"select *, cast({sequence} as bigint) as delivery_sequence, rowid + 1 as record_number"
        f" from memory.main.{table}"
        for sequence, table in records.items()
    )
    lake.execute(f"create or replace temp view gate as {gate}")
    lake.execute(f"create or replace temp view new_code as from memory.main.{new_codes}")


def gate_sql(contract: Contract, sequence: int, text: Relation) -> str:
    """The one pass: text in, typed columns and the mask of broken rules out."""
    kept = ", ".join(quoted(c.name) for c in contract.columns)
    mask = _mask(contract, sequence)
    records = typed_sql(contract, text)
    return f"with records as ({records}) select {kept}, {mask} as failed from records"


def typed_sql(contract: Contract, text: Relation) -> str:
    """Each record as text (`raw_0` …) and typed, moments also as sent (`local_<column>`)."""
    casts = ", ".join(_typed(i, c, contract) for i, c in enumerate(contract.columns))
    zoned = _zoned(contract, text.in_utc)
    replaced = f" replace ({zoned})" if zoned else ""
    return (
        f"with text_records as (select * from {text.sql}),"
        f" local_records as (select *, {casts} from text_records)"
        f" select *{replaced} from local_records"
    )


def _typed(index: int, column: Column, contract: Contract) -> str:
    value = cast(f"raw_{index}", column, contract.dialect)
    if column.sql_type == "TIMESTAMP":
        local = quoted(f"local_{column.name}")
        return f"{value} as {local}, {local} as {quoted(column.name)}"
    return f"{value} as {quoted(column.name)}"


def _zoned(contract: Contract, in_utc: frozenset[str]) -> str:
    moments = [c for c in contract.columns if c.sql_type == "TIMESTAMP" and c.name not in in_utc]
    zone = contract.dialect.time_zone
    return ", ".join(
        f"{to_utc(quoted(f'local_{c.name}'), zone)} as {quoted(c.name)}" for c in moments
    )


def _mask(contract: Contract, sequence: int) -> str:
    last_date = contract.delivery.last_date(sequence)
    conditions = [r.broken for r in rules_of(contract) if r.broken is not None]
    bits = [
        f"case when {condition} then {1 << bit} else 0 end"
        for bit, condition in enumerate(conditions)
    ]
    mask = " + ".join(bits) or "0"
    return f"cast({mask} as bigint)".replace("$delivery_date", f"date '{last_date}'")


def judge(lake: Lake, contract: Contract, sequences: Collection[int]) -> dict[int, Verdict]:
    """Sort the records of `gate` into temp tables, once identities are registered.

    Makes `gate_broken` (delivery_sequence, record_number, rule_id, severity) and `gate_left`
    (delivery_sequence, record_number): the records that do not go on. A new code that was not
    registered is no person's.

    Args:
        lake: Its connection shows `gate`.
        contract: What the records should keep.
        sequences: Of the deliveries in `gate`.

    Returns:
        What was found, by sequence.
    """
    rules = rules_of(contract)
    lake.execute(
        "create or replace temp table gate_invalid_code as"
        " select distinct identity_code from new_code anti join identity_map using (identity_code)"
        if lake.count("select count(*) from new_code")
        else "create or replace temp table gate_invalid_code (identity_code varchar)"
    )
    _find_broken(lake, contract, rules)
    lake.execute(
        "create or replace temp table gate_left as select distinct delivery_sequence, record_number"
        " from gate_broken where severity = 'error'"
    )
    quarantined = _by_delivery(lake, "gate_left")
    _find_duplicates(lake, contract)
    duplicate = _by_delivery(lake, "gate_duplicate")
    received = _by_delivery(lake, "gate")
    violated: dict[int, dict[str, int]] = {sequence: {} for sequence in sequences}
    for sequence, rule_id, count in lake.rows(
        "select delivery_sequence, rule_id, count(*) from gate_broken group by all"
    ):
        violated[sequence][rule_id] = count
    return {
        sequence: Verdict(
            received=received[sequence],
            accepted=received[sequence] - quarantined[sequence] - duplicate[sequence],
            quarantined=quarantined[sequence],
            duplicate=duplicate[sequence],
            rules=tuple(RuleCount(r, violated[sequence].get(r.id, 0)) for r in rules),
        )
        for sequence in sequences
    }


def _by_delivery(lake: Lake, table: str) -> Counter[int]:
    """Records by delivery; 0 of those that have none."""
    rows = lake.rows(f"select delivery_sequence, count(*) from {table} group by delivery_sequence")
    return Counter(dict(rows))


def _find_broken(lake: Lake, contract: Contract, rules: tuple[GateRule, ...]) -> None:
    lake.execute(
        "create or replace temp table gate_broken (delivery_sequence bigint, record_number bigint,"
        " rule_id varchar, severity varchar)"
    )
    masked = [r for r in rules if r.broken is not None]
    if masked and lake.count("select count(*) from gate where failed <> 0"):
        bits = ", ".join(
            f"({1 << bit}, '{rule.id}', '{rule.severity}')" for bit, rule in enumerate(masked)
        )
        lake.execute(
            "insert into gate_broken"
            " select gate.delivery_sequence, gate.record_number, bits.rule_id, bits.severity"
            f" from gate join (values {bits}) as bits(bit, rule_id, severity)"
            " on (gate.failed & bits.bit) <> 0 where gate.failed <> 0"
        )
    if not lake.count("select count(*) from gate_invalid_code"):
        return
    for column in contract.identities:
        lake.execute(
            "insert into gate_broken"
            f" select delivery_sequence, record_number, '{column.name}.{IDENTITY_RULE}', 'error'"
            f" from gate semi join gate_invalid_code"
            f" on gate.{quoted(column.name)} = gate_invalid_code.identity_code"
        )


def _find_duplicates(lake: Lake, contract: Contract) -> None:
    """Within a delivery the last record of a key stands: by its own update time, then by place."""
    key = ", ".join(["delivery_sequence", *(quoted(name) for name in contract.primary_key)])
    updated_at = contract.delivery.updated_at_column
    order = f"{quoted(updated_at)} desc nulls last, " if updated_at else ""
    lake.execute(
        "create or replace temp table gate_duplicate as with sound as ("
        f"select {key}, {quoted(updated_at) + ', ' if updated_at else ''}record_number"
        " from gate anti join gate_left using (delivery_sequence, record_number)),"
        f" repeated as (select {key} from sound group by {key} having count(*) > 1),"
        " ranked as (select delivery_sequence, record_number, row_number() over"
        f" (partition by {key} order by {order}record_number desc) as place"
        f" from sound semi join repeated using ({key}))"
        " select delivery_sequence, record_number from ranked where place > 1"
    )
    lake.execute("insert into gate_left from gate_duplicate")
    lake.execute(
        "insert into gate_broken"
        f" select delivery_sequence, record_number, '{DUPLICATE_RULE}', 'error' from gate_duplicate"
    )


def check_dataset_rules(contract: Contract, verdict: Verdict) -> tuple[RuleCount, ...]:
    """Judge the rules over the delivery as a whole.

    Returns:
        How each came out that did not refuse the delivery: it is the one thing looked at.

    Raises:
        DeliveryRefused: one of error severity is broken.
    """
    share = 100 * verdict.quarantined / verdict.received if verdict.received else 0.0
    values = {"row_count": float(verdict.received), "quarantined_share": share}
    counts = []
    for rule in contract.dataset_rules:
        value = values[rule.metric]
        low = rule.minimum is not None and value < rule.minimum
        high = rule.maximum is not None and value > rule.maximum
        if (low or high) and rule.severity is Severity.ERROR:
            bound = f"at least {rule.minimum:g}" if low else f"at most {rule.maximum:g}"
            raise DeliveryRefused(
                rule.id,
                f"{rule.metric} is {value:g}, and {bound} is due ({rule.description});"
                " ask the sender for a whole delivery",
            )
        as_gate_rule = GateRule(rule.id, rule.severity, rule.dimension, None)
        counts.append(RuleCount(as_gate_rule, int(low or high), checked=1))
    return tuple(counts)
