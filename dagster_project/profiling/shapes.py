"""What a stranger's file is: format, dialect and headings, as far as its bytes tell.

Here: the value that the modules of the single formats fill, and which of them looks at a file. Not
here: types of columns (`measures`).
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from dagster_project.contracts.model import (
    Column,
    Contract,
    Delivery,
    DeliveryMode,
    Dialect,
    FileFormat,
    SequenceStep,
)
from dagster_project.errors import DeliveryRefused

SEQUENCE = 20000101
"""Of a file that is read for its own sake."""
_ANY = re.compile(r"(?P<sequence>\d{8})")
_HEAD_BYTES = 4096


@dataclass(frozen=True)
class Field:
    """A column as sent."""

    source_name: str
    allowed: tuple[str, ...] = ()
    """Types that the format lets it have; any where there are none."""
    note: str = ""


@dataclass(frozen=True)
class Shape:
    """How a file is written."""

    dialect: Dialect
    fields: tuple[Field, ...]
    final_newline: bool = True
    notes: tuple[str, ...] = ()
    """What speaks for the dialect, in sentences."""

    def contract(self) -> Contract:
        """A contract under which the reader gives every field as text."""
        # A workbook's numbers are written out with the digits that Excel shows in decimals only.
        text = "DECIMAL(38,18)" if self.dialect.format is FileFormat.XLSX else "VARCHAR"
        columns = tuple(
            Column(f"raw_{i}", f.source_name, f.allowed[0] if f.allowed else text, "")
            for i, f in enumerate(self.fields)
        )
        delivery = Delivery(
            DeliveryMode.INCREMENT, _ANY, SequenceStep.NONE, final_newline=self.final_newline
        )
        return Contract(
            source="stranger",
            table="stranger",
            version="1.0.0",
            purpose="",
            grain="",
            dialect=self.dialect,
            delivery=delivery,
            columns=columns,
            row_rules=(),
            dataset_rules=(),
            references=(),
            controller="",
            register="",
            retention_years=0,
            freshness_days=0,
            sha256="",
        )


def format_of_bytes(path: Path) -> FileFormat:
    """The format that a file begins like; delimited text where it begins like none.

    Raises:
        DeliveryRefused: the file cannot be read, is empty, or is no text and nothing that is known.
    """
    head = read_head(path, _HEAD_BYTES)
    if not head:
        raise DeliveryRefused("file.empty", "the file is empty; ask the sender for a whole one")
    if head.startswith(b"PAR1"):
        return FileFormat.PARQUET
    if head.startswith(b"PK\x03\x04"):
        return FileFormat.XLSX
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise DeliveryRefused(
            "file.encoding", "its bytes are UTF-16; ask the sender for UTF-8, or convert it"
        )
    if b"\0" in head:
        raise DeliveryRefused(
            "file.format",
            "the file is no text, and no Parquet or Excel workbook (xlsx);"
            " ask the sender for one of these",
        )
    start = head.removeprefix(b"\xef\xbb\xbf").lstrip()[:1]
    if start == b"{":
        return FileFormat.NDJSON  # or a document, which `documents` tells apart
    return FileFormat.JSON if start == b"[" else FileFormat.CSV


def read_head(path: Path, byte_count: int) -> bytes:
    """The first bytes of a file.

    Raises:
        DeliveryRefused: the file cannot be had.
    """
    try:
        with path.open("rb") as file:
            return file.read(byte_count)
    except OSError as error:
        raise DeliveryRefused(
            "file.unreadable", f"the file cannot be read ({error.strerror}); give another path"
        ) from None


def checked(shape: Shape) -> Shape:
    """See that a contract can name the columns.

    Raises:
        DeliveryRefused: a heading is missing, doubled, or one that no contract can state.
    """
    names = [f.source_name for f in shape.fields]
    for place, name in enumerate(names, start=1):
        if not name.strip():
            raise _heading(f"column {place} has no heading; ask the sender for one", shape)
        if name in names[: place - 1]:
            first = names.index(name) + 1
            raise _heading(
                f"columns {first} and {place} have the same heading; ask the sender for two", shape
            )
        if "\n" in name or "\r" in name or re.search("[{}]", name):
            raise _heading(
                f"the heading of column {place} holds a line end or a brace, which no contract"
                " can state; ask the sender for a plain one",
                shape,
            )
    return shape


def _heading(why: str, shape: Shape) -> DeliveryRefused:
    is_lined = shape.dialect.format in (FileFormat.CSV, FileFormat.XLSX)
    return DeliveryRefused("file.header", why, line=shape.dialect.header_line if is_lined else None)
