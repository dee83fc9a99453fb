"""A proposed contract as YAML that people read: what speaks for each line stands above it.

Here: the text. Not here: any decision (`proposal`).
"""

from __future__ import annotations

import json
import textwrap
from collections.abc import Iterator, Sequence

from dagster_project.contracts.documents import OPEN
from dagster_project.contracts.model import Dialect, FileFormat
from dagster_project.profiling.persons import Mark
from dagster_project.profiling.proposal import Proposal, ProposedColumn, Rule

_WIDTH = 100
_LOGICAL = {
    "VARCHAR": "string",
    "BIGINT": "integer",
    "INTEGER": "integer",
    "DECIMAL": "number",
    "DOUBLE": "number",
    "DATE": "date",
    "TIMESTAMP": "timestamp",
    "BOOLEAN": "boolean",
}
_PERSON = (
    "The person. Sent as the personal identity code; in the lake a keyed pseudonym from which the"
    " code cannot be computed."
)


def contract_text(proposal: Proposal) -> str:
    """The whole document."""
    lines = [
        *_comment(
            f"Proposed from {proposal.row_count} records. Answer every {OPEN}, read what stands"
            " after each #, correct what the file could not tell, then:"
            " tietoallas contracts lint, tietoallas contracts try."
        ),
        *_head(proposal),
        *_table(proposal),
        *_tail(proposal),
    ]
    return "\n".join(lines) + "\n"


def _comment(text: str, indent: int = 0) -> list[str]:
    prefix = " " * indent + "# "
    return textwrap.wrap(
        text, _WIDTH, initial_indent=prefix, subsequent_indent=prefix, break_on_hyphens=False,
        break_long_words=False,
    )  # fmt: skip


def _quoted(text: str) -> str:
    """A YAML scalar that is text whatever it looks like."""
    if text.isprintable():
        return "'" + text.replace("'", "''") + "'"
    return json.dumps(text)


def _open(question: str) -> str:
    return _quoted(f"{OPEN}: {question}")


def _head(proposal: Proposal) -> Iterator[str]:
    key = f"{proposal.source}/{proposal.table}"
    yield "apiVersion: v3.1.0"
    yield "kind: DataContract"
    yield f"id: {key}"
    yield f"name: {proposal.table}"
    yield "version: 1.0.0"
    yield "status: active"
    yield f"domain: {proposal.source}"
    yield "dataProduct: tietoallas"
    yield "description:"
    yield f"  purpose: {_open('what the table is and what it is needed for, in a sentence')}"


def _table(proposal: Proposal) -> Iterator[str]:
    yield "schema:"
    yield f"  - name: {proposal.table}"
    yield "    logicalType: object"
    yield f"    description: {_quoted(f'{proposal.table} as sent by {proposal.source}.')}"
    yield f"    dataGranularityDescription: {_grain(proposal)}"
    yield "    properties:"
    for column in proposal.columns:
        yield from _column(column)
    yield from _delivery_rules()


def _grain(proposal: Proposal) -> str:
    keyed = sorted(
        (c for c in proposal.columns if c.key_position), key=lambda c: c.key_position or 0
    )
    if not keyed:
        return _open(
            "what one row is. No column, nor two or three together, tells the rows apart:"
            " ask the sender, and mark the key (required, primaryKey, primaryKeyPosition)"
        )
    return _quoted(f"One row per {' and '.join(c.name for c in keyed)}.")


def _column(column: ProposedColumn) -> Iterator[str]:
    for note in column.notes:
        yield from _comment(note, 6)
    yield f"      - name: {column.name}"
    yield f"        physicalName: {_quoted(column.heading)}"
    yield f"        businessName: {_quoted(column.heading.strip())}"
    yield f"        logicalType: {_LOGICAL[column.sql_type.split('(')[0]]}"
    yield f"        physicalType: {column.sql_type}"
    if column.is_required:
        yield "        required: true"
    if column.key_position:
        yield "        primaryKey: true"
        yield f"        primaryKeyPosition: {column.key_position}"
    yield f"        classification: {column.classification}"
    yield f"        description: {_quoted(_description(column))}"
    if column.options:
        yield "        logicalTypeOptions:"
        for name, value in column.options.items():
            shown = _quoted(value) if isinstance(value, str) else str(value)
            yield f"          {name}: {shown}"
    yield from _rules(column)
    yield from _marks(column)


def _description(column: ProposedColumn) -> str:
    if column.suspicion.mark is Mark.IDENTITY:
        return _PERSON
    place = " NULL in the lake for a person under a protection order."
    hidden = place if column.suspicion.mark is Mark.PLACE else ""
    return f"{column.heading.strip()}, as the source has it.{hidden}"


def _rules(column: ProposedColumn) -> Iterator[str]:
    if not (column.rules or column.valid_values):
        return
    yield "        quality:"
    if column.valid_values:
        yield "          # An unknown code is accepted and counted. Say what codes mean in"
        yield "          # customProperties: {property: codes, value: {code: meaning, …}}."
        yield "          - type: library"
        yield "            metric: invalidValues"
        values = ", ".join(_quoted(value) for value in column.valid_values)
        yield f"            arguments: {{validValues: [{values}]}}"
        yield "            mustBe: 0"
        yield "            severity: warning"
        yield "            dimension: conformity"
        yield "            description: The value is one of those seen."
    for rule in column.rules:
        yield from _rule(rule)


def _rule(rule: Rule) -> Iterator[str]:
    yield f"          - id: {rule.id}"
    yield "            type: custom"
    yield "            engine: tietoallas"
    yield f"            implementation: {_quoted(rule.sql)}"
    yield f"            severity: {rule.severity}"
    yield f"            dimension: {rule.dimension}"
    yield f"            description: {_quoted(rule.description)}"


def _marks(column: ProposedColumn) -> Iterator[str]:
    mark = column.suspicion.mark
    if mark is Mark.NONE:
        return
    name = "formerIdentity" if column.is_former else mark.value
    yield "        customProperties:"
    yield f"          - {{property: {name}, value: true}}"
    if column.is_protection_order:
        yield "          - {property: protectionOrder, value: true}"


def _delivery_rules() -> Sequence[str]:
    return (
        "    quality:",
        "      - id: minimum_rows",
        "        type: library",
        "        metric: rowCount",
        "        mustBeGreaterOrEqualTo: 1",
        "        severity: error",
        "        dimension: completeness",
        "        description: A delivery without a single row is a failed extract.",
        "      - id: quarantined_share",
        "        type: custom",
        "        engine: tietoallas",
        "        implementation: {metric: quarantinedShare, mustBeLessOrEqualTo: 20}",
        "        unit: percent",
        "        severity: error",
        "        dimension: conformity",
        "        description: When more than a fifth of the rows break a rule, the extract is at"
        " fault.",
    )


def _tail(proposal: Proposal) -> Iterator[str]:
    yield from (
        "team:",
        "  name: Tietoallas",
        "  description: Maintains the lake and this contract together with the source's owner.",
        "slaProperties:",
        "  - property: freshness",
        "    value: " + _open("days after the last day covered by which it is delivered, as 10"),
        "    unit: d",
        "  - property: retention",
        "    value: " + _open("years that the lake keeps it, as 12, by the law that applies"),
        "    unit: y",
        "customProperties:",
        "  - property: controller",
        "    value: " + _open("who is the controller (rekisterinpitäjä)"),
        "  - property: register",
        "    value: " + _open("health, social, occupational, population or public"),
        "  - property: dialect",
        "    value:",
    )
    for note in proposal.notes:
        yield from _comment(note, 6)
    yield from (f"      {line}" for line in _dialect(proposal))
    yield "  - property: delivery"
    yield "    value:"
    yield from _comment(proposal.mode_note, 6)
    yield f"      mode: {proposal.mode}"
    yield from _comment(proposal.naming.evidence, 6)
    yield f"      filePattern: {_quoted(proposal.naming.pattern)}"
    yield f"      sequenceStep: {proposal.naming.step}"
    if proposal.updated_at_column:
        yield "      # Of two versions of a row the one updated last is in force."
        yield f"      updatedAtColumn: {proposal.updated_at_column}"
    if not proposal.final_newline:
        yield "      finalNewline: false"


def _dialect(proposal: Proposal) -> Iterator[str]:
    dialect = proposal.dialect
    types = {c.sql_type.split("(")[0] for c in proposal.columns}
    yield f"format: {dialect.format}"
    yield from _of_the_format(dialect)
    is_text = dialect.format in (FileFormat.CSV, FileFormat.NDJSON, FileFormat.JSON)
    if is_text and types & {"DECIMAL", "DOUBLE"}:
        yield f"decimalSeparator: {_quoted(dialect.decimal_separator)}"
    if is_text and "DATE" in types:
        yield f"dateFormat: {_quoted(dialect.date_format)}"
    if is_text and "TIMESTAMP" in types:
        yield f"timestampFormat: {_quoted(dialect.timestamp_format)}"
    if "TIMESTAMP" in types:
        zone = "UTC" if proposal.has_zone else _open("zone of the timestamps, as Europe/Helsinki")
        yield f"timeZone: {zone}"
    if dialect.null_values != ("",):
        yield f"nullValues: [{', '.join(map(_quoted, dialect.null_values))}]"
    if "BOOLEAN" in types and dialect.format is not FileFormat.PARQUET:
        yield f"trueValues: [{', '.join(map(_quoted, dialect.true_values))}]"
        yield f"falseValues: [{', '.join(map(_quoted, dialect.false_values))}]"


def _of_the_format(dialect: Dialect) -> Iterator[str]:
    match dialect.format:
        case FileFormat.CSV:
            yield f"encoding: {dialect.encoding}"
            yield f"delimiter: {_quoted(dialect.delimiter)}"
            if dialect.quote != '"':
                yield f"quote: {_quoted(dialect.quote)}"
            yield f"headerLine: {dialect.header_line}"
        case FileFormat.NDJSON:
            yield f"encoding: {dialect.encoding}"
        case FileFormat.JSON:
            yield "encoding: utf-8"
            yield f"records: {_quoted(dialect.records)}"
        case FileFormat.XLSX:
            yield f"sheet: {_quoted(dialect.sheet)}"
            yield f"headerLine: {dialect.header_line}"
        case _:
            return
