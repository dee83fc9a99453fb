"""Delimited text (CSV): header against contract, then DuckDB's reader with everything stated.

Here: the header, and the reader's errors in words that name no person. Not here: casts and rules.
"""

from __future__ import annotations

import csv
import re
from pathlib import Path

from dagster_project.contracts.model import Contract
from dagster_project.errors import DeliveryRefused
from dagster_project.lake.connection import literal
from dagster_project.sources.text import first_lines

MAX_LINE_BYTES = 4 * 1024 * 1024


def relation(path: Path, contract: Contract, sequence: int) -> str:
    """SQL that reads the records as text columns `raw_0 … raw_n`, in file order.

    Raises:
        DeliveryRefused: the header is not the contract's.
    """
    check_header(path, contract, sequence)
    dialect = contract.dialect
    columns = ", ".join(f"'raw_{i}': 'VARCHAR'" for i in range(len(contract.columns)))
    nulls = ", ".join(literal(v) for v in dialect.null_values)
    return (
        f"read_csv({literal(str(path))}, auto_detect = false, header = false,"
        f" skip = {dialect.header_line}, columns = {{{columns}}},"
        f" delim = {literal(dialect.delimiter)}, quote = {literal(dialect.quote)},"
        f" escape = {literal(dialect.quote)}, nullstr = [{nulls}], strict_mode = true,"
        f" max_line_size = {MAX_LINE_BYTES}, buffer_size = {4 * MAX_LINE_BYTES})"
    )


def check_header(path: Path, contract: Contract, sequence: int) -> None:
    """Compare the header line with the contract's columns, in order.

    Raises:
        DeliveryRefused: a column is missing, extra, renamed or out of place.
    """
    dialect = contract.dialect
    line = first_lines(path, dialect.header_line)[-1]
    found = next(csv.reader([line], delimiter=dialect.delimiter, quotechar=dialect.quote), [])
    due = [c.source_name.replace("{sequence}", str(sequence)) for c in contract.columns]
    if found == due:
        return
    raise DeliveryRefused(
        "file.header",
        f"the header is not the contract's: {_difference(found, due, dialect.delimiter)}",
        line=dialect.header_line,
        column=next((d for f, d in zip(found, due, strict=False) if f != d), None),
    )


def _difference(found: list[str], due: list[str], delimiter: str) -> str:
    missing = [d for d in due if d not in found]
    extra = len([f for f in found if f not in due])
    if len(found) <= 1 < len(due):
        return f"it has one column where {len(due)} are due; is the delimiter {delimiter!r}?"
    if missing or extra:
        named = f"missing {', '.join(missing)}" if missing else "none missing"
        return f"{named}; {extra} not in the contract; {len(found)} columns where {len(due)} are due"
    if len(found) != len(due):
        return f"{len(found)} columns where {len(due)} are due: one is there twice"
    return f"the columns are not in the contract's order: {', '.join(due)}"


_REASONS = (
    (r"Expected Number of Columns", "file.columns", "a record has another number of fields"),
    (r"unterminated quote|quote should be followed|Value with unterminated",
     "file.quote", "a quoted field is not closed as the dialect says"),
    (r"[Uu]nicode|utf-8|UTF-8|not utf", "file.encoding", "the bytes are not in the agreed encoding"),
    (r"[Mm]aximum line size", "file.line_size", f"a line is longer than {MAX_LINE_BYTES} bytes"),
)  # fmt: skip


def refusal(message: str) -> DeliveryRefused:
    """What DuckDB's reader said, without the line it quotes: rule, line, and what to do."""
    found = re.search(r"Line:? (\d+)", message)
    line = int(found[1]) if found else None
    for pattern, rule_id, reason in _REASONS:
        if re.search(pattern, message):
            return DeliveryRefused(rule_id, f"{reason}; ask the sender for a whole file", line=line)
    return DeliveryRefused(
        "file.structure", "the file cannot be read as its contract says", line=line
    )
