"""Delimited text (CSV): header against contract, then DuckDB's reader with everything stated.

Here: the header, and the relation of records. Not here: casts and rules, or what is wrong with a
file that the reader gives up on (`faults`).
"""

from __future__ import annotations

import csv
from pathlib import Path

from dagster_project.contracts.model import Contract, Dialect
from dagster_project.errors import DeliveryRefused
from dagster_project.sources.text import MAX_LINE_BYTES, first_lines
from dagster_project.sql_text import literal

# Small, so that even a file of a few megabytes is read by every thread.
BUFFER_BYTES = 2 * MAX_LINE_BYTES

# DuckDB overlooks a surplus field at a record's end if it reads as NULL there, so the reader knows
# no NULL that a file might hold; `nulled` makes those that the dialect states.
_NO_NULL = "\x1fno value is null to the reader\x1f"


def relation(path: Path, contract: Contract, sequence: int) -> str:
    """SQL that reads the records as text columns `raw_0 … raw_n`, in file order.

    Raises:
        DeliveryRefused: the header is not the contract's.
    """
    check_header(path, contract, sequence)
    dialect = contract.dialect
    names = [f"raw_{i}" for i in range(len(contract.columns))]
    columns = ", ".join(f"'{name}': 'VARCHAR'" for name in names)
    values = ", ".join(f"{nulled(name, dialect)} as {name}" for name in names)
    return (
        f"(select {values} from read_csv({literal(str(path))}, auto_detect = false, header = false,"
        f" skip = {dialect.header_line}, columns = {{{columns}}},"
        f" delim = {literal(dialect.delimiter)}, quote = {literal(dialect.quote)},"
        f" escape = {literal(dialect.quote)}, nullstr = [{literal(_NO_NULL)}], strict_mode = true,"
        f" max_line_size = {MAX_LINE_BYTES}, buffer_size = {BUFFER_BYTES}))"
    )


def nulled(text: str, dialect: Dialect) -> str:
    """SQL for a text that is NULL where the dialect writes a missing value so."""
    for value in dialect.null_values:
        text = f"nullif({text}, {literal(value)})"
    return text


def check_header(path: Path, contract: Contract, sequence: int) -> None:
    """Compare the header line with the contract's columns, in order.

    Raises:
        DeliveryRefused: a column is missing, extra, renamed or out of place.
    """
    dialect = contract.dialect
    found = _header(path, dialect)
    due = [c.source_name.replace("{sequence}", str(sequence)) for c in contract.columns]
    if found == due:
        return
    raise DeliveryRefused(
        "file.header",
        f"the header is not the contract's: {_difference(found, due, dialect.delimiter)}",
        line=dialect.header_line,
        column=next((d for f, d in zip(found, due, strict=False) if f != d), None),
    )


def _header(path: Path, dialect: Dialect) -> list[str]:
    line = first_lines(path, dialect.header_line)[-1]
    csv.field_size_limit(MAX_LINE_BYTES)
    try:
        return next(csv.reader([line], delimiter=dialect.delimiter, quotechar=dialect.quote), [])
    except csv.Error:
        return []


def _difference(found: list[str], due: list[str], delimiter: str) -> str:
    missing = [d for d in due if d not in found]
    extra = len([f for f in found if f not in due])
    if len(found) <= 1 < len(due):
        return f"it has one column where {len(due)} are due; is the delimiter {delimiter!r}?"
    if missing or extra:
        named = f"missing {', '.join(missing)}" if missing else "none missing"
        return (
            f"{named}; {extra} not in the contract; {len(found)} columns where {len(due)} are due"
        )
    if len(found) != len(due):
        return f"{len(found)} columns where {len(due)} are due: one is there twice"
    return f"the columns are not in the contract's order: {', '.join(due)}"
