"""Delimited text of a stranger: delimiter, quote, lines above the header, headings.

Here: what the first megabyte tells. Not here: whether the rest keeps to it, which the reader says.
"""

from __future__ import annotations

import csv
import io
import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path

from dagster_project.contracts.model import Dialect, FileFormat
from dagster_project.errors import DeliveryRefused
from dagster_project.profiling.encodings import encoding_of
from dagster_project.profiling.shapes import Field, Shape, read_head
from dagster_project.sources.text import MAX_LINE_BYTES
from dagster_project.vault.identity_codes import CODE_PATTERN

_DELIMITERS = (";", "\t", "|", ",")
_RECORDS = 400
_TITLE_LINES = 40
"""A header further down is none."""
_VALUE = re.compile(
    rf"[-+]?\d+([.,]\d+)?|\d{{1,4}}[-./]\d{{1,2}}[-./]\d{{1,4}}([T ].*)?|{CODE_PATTERN}"
)
_YEAR = re.compile(r"(19|20)\d\d")


@dataclass(frozen=True)
class _Table:
    """A way to read the head of a file."""

    delimiter: str
    quote: str
    width: int
    share: float
    """Of the records that have the width, from the header on."""
    header_line: int
    headings: tuple[str, ...]


def shape_of_delimited(path: Path) -> Shape:
    """Dialect and headings.

    Raises:
        DeliveryRefused: it is no table, has no header, or its encoding is none that is known.
    """
    encoding = encoding_of(path)
    text = _head(path, encoding.name)
    table = _best(text)
    final_newline = _ends_in_newline(path)
    notes = [f"{encoding.name}: {encoding.evidence}."]
    if table.header_line > 1:
        notes.append(f"The header is line {table.header_line}: what is above it is a title.")
    notes += [] if final_newline else ["The last line has no line end: a cut-off file is not seen."]
    return Shape(
        Dialect(
            FileFormat.CSV,
            encoding=encoding.name,
            delimiter=table.delimiter,
            quote=table.quote,
            header_line=table.header_line,
        ),
        tuple(Field(name) for name in table.headings),
        final_newline=final_newline,
        notes=tuple(notes),
    )


def _head(path: Path, encoding: str) -> str:
    """The first whole lines as text."""
    data = read_head(path, MAX_LINE_BYTES + 1)
    end = max(data.rfind(b"\n"), data.rfind(b"\r")) + 1
    if len(data) > MAX_LINE_BYTES:
        if not end:
            raise DeliveryRefused(
                "file.line_size",
                f"the first line is longer than {MAX_LINE_BYTES} bytes; ask the sender for a table",
                line=1,
            )
        data = data[:end]
    return data.decode(encoding)


def _ends_in_newline(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, io.SEEK_END)
        return file.read(1) == b"\n"


def _best(text: str) -> _Table:
    """The delimiter under which most records have one width and the first of them is a header."""
    readings = [
        (delimiter, quote, _records(text, delimiter, quote))
        for delimiter in _DELIMITERS
        for quote in ('"', "'")
        if quote == '"' or f"{delimiter}'" in text
    ]
    tables = [t for d, q, records in readings for t in _tables(records, d, q)]
    if not tables:
        tables = list(_tables(readings[0][2], ";", '"', least=1))
    if not tables:
        raise DeliveryRefused(
            "file.header",
            "no header was found: the first full line looks like a record;"
            " ask the sender for headings, or write them on the first line",
            line=1,
        )
    # Rounded, so that a few broken records do not outweigh the usual delimiter.
    return max(tables, key=lambda t: (round(t.share, 1), t.quote == "'", t.width > 1))


def _records(text: str, delimiter: str, quote: str) -> list[tuple[int, list[str]]]:
    """Records with the line that each begins in; as many as can be read."""
    csv.field_size_limit(MAX_LINE_BYTES * 2)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, quotechar=quote)
    found: list[tuple[int, list[str]]] = []
    line = 0
    try:
        for fields in reader:
            if fields:
                found.append((line + 1, fields))
            line = reader.line_num
            if len(found) == _RECORDS:
                break
    except csv.Error:
        return found
    return found


def _tables(
    records: list[tuple[int, list[str]]], delimiter: str, quote: str, *, least: int = 2
) -> list[_Table]:
    """The table that records make: none where they have no width in common, or no header."""
    widths = Counter(len(fields) for _, fields in records if len(fields) >= least)
    if not widths:
        return []
    width = max(widths, key=lambda w: (widths[w], w))
    if quote == "'" and not _is_quoted(records, quote):
        return []
    for place, (line, fields) in enumerate(records[:_TITLE_LINES]):
        if len(fields) != width or not all(field.strip() for field in fields):
            if place == 0 and least > 1 and _is_header_of(fields, width, records):
                return [_Table(delimiter, quote, width, 1.0, line, tuple(fields))]
            continue
        if any(_is_value(field, delimiter) for field in fields):
            return []
        rest = records[place:]
        share = sum(len(f) == width for _, f in rest) / len(rest)
        return [_Table(delimiter, quote, width, share, line, tuple(fields))]
    return []


def _is_header_of(fields: list[str], width: int, records: list[tuple[int, list[str]]]) -> bool:
    """Whether a first line with a gap is a header all the same: most of its headings are there."""
    named = sum(bool(field.strip()) for field in fields)
    return (
        len(fields) == width
        and named > width / 2
        and not any(_is_value(field, ";") for field in fields)
        and len(records) > 1
    )


def _is_quoted(records: list[tuple[int, list[str]]], quote: str) -> bool:
    """Whether apostrophes were there to be read as quotes: none is left over."""
    return not any(quote in field for _, fields in records for field in fields)


def _is_value(field: str, delimiter: str) -> bool:
    """Whether a field is a number, a date, or holds a code or several fields: no heading."""
    text = field.strip()
    is_many = delimiter == "," and any(other in field for other in ";\t|")
    is_one = bool(_VALUE.fullmatch(text)) and not _YEAR.fullmatch(text)
    return is_one or is_many or bool(re.search(CODE_PATTERN, text))
