"""What is wrong with a file that the reader gave up on: rule and line, never the line itself.

DuckDB's reader says it with the line it read, hence with a person in it, and counts records where
people count lines. So a file that it refuses is read once more, here, up to the first fault.

Here: finding that fault. Not here: reading files that are sound (`delimited`, `json_lines`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator
from pathlib import Path

from dagster_project.contracts.model import Contract, FileFormat
from dagster_project.errors import DeliveryRefused
from dagster_project.sources.text import MAX_LINE_BYTES, wrong_encoding


def refusal(path: Path, contract: Contract, message: str) -> DeliveryRefused:
    """Why a file, as UTF-8, cannot be read; `message` is what the reader said."""
    try:
        check(path, contract)
    except DeliveryRefused as fault:
        return fault
    found = re.search(r"CSV Error on Line: (\d+)", message)
    return DeliveryRefused(
        "file.structure",
        "the file cannot be read as its contract says; ask the sender for a whole file",
        line=int(found[1]) if found else None,
    )


def check(path: Path, contract: Contract) -> None:
    """Read a file up to its first fault.

    Raises:
        DeliveryRefused: there is one.
    """
    lines = _Lines(path, contract)
    if contract.dialect.format is FileFormat.NDJSON:
        for _ in lines:
            lines.check_end()
        return
    for _ in range(contract.dialect.header_line):
        next(iter(lines), None)
    _read_records(lines, contract)


def _read_records(lines: _Lines, contract: Contract) -> None:
    dialect, due = contract.dialect, len(contract.columns)
    csv.field_size_limit(MAX_LINE_BYTES)
    reader = csv.reader(
        lines,
        delimiter=dialect.delimiter,
        quotechar=dialect.quote,
        skipinitialspace=True,  # as DuckDB has it
        strict=True,
    )
    while True:
        first, start = lines.number + 1, lines.byte_count
        try:
            record = next(reader, None)
        except csv.Error as error:
            raise _broken(str(error), line=first) from None
        if record is None:
            return
        lines.check_end()
        if lines.byte_count - start > MAX_LINE_BYTES:
            raise _too_long(first)
        if record and len(record) != due:
            raise DeliveryRefused(
                "file.columns",
                f"a record has {len(record)} fields where {due} are due;"
                " ask the sender for a whole file",
                line=first,
            )


def _broken(reason: str, *, line: int) -> DeliveryRefused:
    if reason.startswith("new-line character"):
        return _other_line_end(line)
    return DeliveryRefused(
        "file.quote",
        "a quoted field is not closed as the dialect says; ask the sender for a whole file",
        line=line,
    )


def _other_line_end(line: int) -> DeliveryRefused:
    return DeliveryRefused(
        "file.line_ends",
        "a line ends otherwise than the first one; ask the sender for one kind of line end",
        line=line,
    )


def _too_long(line: int) -> DeliveryRefused:
    return DeliveryRefused(
        "file.line_size",
        f"a record is longer than {MAX_LINE_BYTES} bytes; ask the sender for a whole file",
        line=line,
    )


class _Lines:
    """The lines of a UTF-8 file as text, their ends kept, one by one."""

    def __init__(self, path: Path, contract: Contract) -> None:
        self.number = 0
        """Of the line read last."""
        self.byte_count = 0
        """Read so far."""
        self._path = path
        self._contract = contract
        self._first_end = ""
        self._text = ""
        self._lines = self._read()

    def __iter__(self) -> Iterator[str]:
        """Go on where reading stopped."""
        return self._lines

    def _read(self) -> Iterator[str]:
        with self._path.open("rb") as file:
            for self.number, line in enumerate(file, start=1):
                self.byte_count += len(line)
                try:
                    self._text = line.decode("utf-8")
                except UnicodeDecodeError:
                    why = "the line is not UTF-8"
                    raise wrong_encoding(self._contract, why, line=self.number) from None
                self._first_end = self._first_end or self._end()
                yield self._text

    def _end(self) -> str:
        return "\r\n" if self._text.endswith("\r\n") else "\n"

    def check_end(self) -> None:
        """See that the line read last, which ends a record, ends as the first one did."""
        if self._text.endswith("\n") and self._end() != self._first_end:
            raise _other_line_end(self.number)
