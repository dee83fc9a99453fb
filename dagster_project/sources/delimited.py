"""Delimited text (CSV): header against contract, then DuckDB's reader with everything stated.

Here: the header, the relation of records, a record as sent. Not here: encodings (`text`), casts and
rules, or what is wrong with a file that the reader gives up on (`faults`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from contextlib import AbstractContextManager
from functools import partial
from pathlib import Path

from dagster_project.contracts.model import Contract, Dialect
from dagster_project.errors import DeliveryRefused
from dagster_project.sources import faults
from dagster_project.sources.formats import Edit, Relation
from dagster_project.sources.headers import check_names, names_due
from dagster_project.sources.text import MAX_LINE_BYTES, count_byte, first_lines, utf8_text
from dagster_project.sql_text import literal

MAY_BREAK_RECORDS = False

# Small, for deliveries are read side by side. A multiple of the page: with other sizes DuckDB 1.5.5
# gives up on sound files ("does not support a full read"). Read with `parallel = false` it would
# drop, without a word, a last record whose quote is never closed.
BUFFER_BYTES = 2 * MAX_LINE_BYTES
_CHUNK = 8 * 1024 * 1024


def prepared(
    path: Path, contract: Contract, *, sequence: int, temp: Path
) -> AbstractContextManager[Path]:
    """The file as UTF-8; see `utf8_text`."""
    del sequence  # the header is checked when it can be read
    return utf8_text(path, contract, temp=temp)


def relation(path: Path, contract: Contract, sequence: int) -> Relation:
    """The records, after the header.

    Raises:
        DeliveryRefused: the header is not the contract's.
    """
    check_header(path, contract, sequence)
    return Relation(rows_sql(path, contract, skip=contract.dialect.header_line))


def rows_sql(path: Path, contract: Contract, *, skip: int) -> str:
    """SQL that reads rows, after so many lines, as text columns `raw_0 … raw_n`, in file order."""
    dialect = contract.dialect
    columns = ", ".join(f"'raw_{i}': 'VARCHAR'" for i in range(len(contract.columns)))
    nulls = ", ".join(literal(v) for v in dialect.null_values)
    return (
        f"read_csv({literal(str(path))}, auto_detect = false, header = false,"
        f" skip = {skip}, columns = {{{columns}}},"
        f" delim = {literal(dialect.delimiter)}, quote = {literal(dialect.quote)},"
        f" escape = {literal(dialect.quote)}, nullstr = [{nulls}], strict_mode = true,"
        f" max_line_size = {MAX_LINE_BYTES}, buffer_size = {BUFFER_BYTES})"
    )


def refusal(
    path: Path, contract: Contract, message: str, *, is_content: bool
) -> DeliveryRefused | None:
    """The first fault of the file; see `faults`."""
    return faults.refusal(path, contract, message) if is_content else None


def check_count(path: Path, contract: Contract, record_count: int) -> None:
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
    check_names(
        _header(path, dialect),
        names_due(contract.columns, sequence),
        line=dialect.header_line,
        hint=f"is the delimiter {dialect.delimiter!r}?",
    )


def _header(path: Path, dialect: Dialect) -> list[str]:
    line = first_lines(path, dialect.header_line)[-1]
    csv.field_size_limit(MAX_LINE_BYTES)
    try:
        return next(csv.reader([line], delimiter=dialect.delimiter, quotechar=dialect.quote), [])
    except csv.Error:
        return []


def record(data: bytes, contract: Contract, number: int) -> dict[str, str] | None:
    """A record's fields as sent, under the contract's headings."""
    dialect = contract.dialect
    text = io.StringIO(data.decode(dialect.encoding), newline="")
    fields = _fields(list(text)[dialect.header_line :], dialect, number)
    if fields is None:
        return None
    return dict(zip([c.source_name for c in contract.columns], fields, strict=False))


def _fields(lines: list[str], dialect: Dialect, due: int) -> list[str] | None:
    return next((fields for number, _, fields in _numbered(lines, dialect) if number == due), None)


def _numbered(lines: list[str], dialect: Dialect) -> Iterator[tuple[int, slice, list[str]]]:
    """Number, lines and fields of each record, as at the gate: no empty lines.

    Blanks may precede a quote there; here they are kept, as they may be what is wrong with it.
    """
    csv.field_size_limit(max(csv.field_size_limit(), sum(map(len, lines))))
    read = partial(csv.reader, delimiter=dialect.delimiter, quotechar=dialect.quote)
    reader = read(lines, skipinitialspace=True)
    number = first_line = 0
    for fields in reader:
        if fields:
            number += 1
            own = slice(first_line, reader.line_num)
            exact = next(read(lines[own])) if " " in lines[first_line] else fields
            yield number, own, exact if len(exact) == len(fields) else fields
        first_line = reader.line_num


def rewritten(data: bytes, contract: Contract, edit: Edit) -> bytes:
    """Each changed record written anew, with its line end; all others byte for byte."""
    dialect = contract.dialect
    lines = list(io.StringIO(data.decode(dialect.encoding), newline=""))
    head, body = lines[: dialect.header_line], lines[dialect.header_line :]
    names = [c.source_name for c in contract.columns]
    for number, own, fields in _numbered(body.copy(), dialect):
        new = edit(number, dict(zip(names, fields, strict=False)))
        if new is not None:
            last = body[own][-1]
            end = last[len(last.rstrip("\r\n")) :]
            values = [new.get(name, "") for name in names]
            body[own] = [_line(values, dialect, end), *[""] * (own.stop - own.start - 1)]
    return "".join([*head, *body]).encode(dialect.encoding)


def _line(values: list[str], dialect: Dialect, end: str) -> str:
    buffer = io.StringIO()
    writer = csv.writer(
        buffer, delimiter=dialect.delimiter, quotechar=dialect.quote, lineterminator=end
    )
    writer.writerow(values)
    return buffer.getvalue()
