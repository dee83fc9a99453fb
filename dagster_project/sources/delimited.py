"""Delimited text (CSV): header against contract, then DuckDB's reader with everything stated.

Here: the header, and the relation of records. Not here: casts and rules, or what is wrong with a
file that the reader gives up on (`faults`).
"""

from __future__ import annotations

import csv
from pathlib import Path

from dagster_project.contracts.model import Contract, Dialect
from dagster_project.errors import DeliveryRefused
from dagster_project.sources import faults
from dagster_project.sources.text import MAX_LINE_BYTES, count_byte, first_lines
from dagster_project.sql_text import literal

# Small, for deliveries are read side by side. A multiple of the page: with other sizes DuckDB 1.5.5
# gives up on sound files ("does not support a full read"). Read with `parallel = false` it would
# drop, without a word, a last record whose quote is never closed.
BUFFER_BYTES = 2 * MAX_LINE_BYTES
_CHUNK = 8 * 1024 * 1024


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
        f" max_line_size = {MAX_LINE_BYTES}, buffer_size = {BUFFER_BYTES})"
    )


def check_record_ends(path: Path, contract: Contract, record_count: int) -> None:
    """See that no record that was read ends in empty fields too many, which DuckDB overlooks.

    With a delimiter unquoted in a value and nothing in the last column, they are the only sign that
    the values between stand one place off. A file with no more delimiters than its records need has
    none; in another, quoted delimiters are the likelier reason, so its lines are looked at, and
    only if one ends oddly is it read whole by `faults`.

    Raises:
        DeliveryRefused: a record does.
    """
    delimiter = contract.dialect.delimiter.encode()
    needed = (len(contract.columns) - 1) * record_count
    with path.open("rb") as file:
        for _ in range(contract.dialect.header_line):
            file.readline()
        count = sum(count_byte(chunk, delimiter) for chunk in iter(lambda: file.read(_CHUNK), b""))
    if count > needed and _some_line_ends_oddly(path, contract):
        faults.check(path, contract)


def _some_line_ends_oddly(path: Path, contract: Contract) -> bool:
    """Whether a line with delimiters for more columns than there are ends in an empty field."""
    delimiter, quote = contract.dialect.delimiter.encode(), contract.dialect.quote.encode()
    ends = [delimiter + empty + end for empty in (b"", 2 * quote) for end in (b"\n", b"\r\n")]
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK) + file.readline():
            for end in ends:
                place = chunk.find(end)
                while place >= 0:
                    start = chunk.rfind(b"\n", 0, place) + 1
                    if chunk.count(delimiter, start, place) + 1 >= len(contract.columns):
                        return True
                    place = chunk.find(end, place + 1)
    return False


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
