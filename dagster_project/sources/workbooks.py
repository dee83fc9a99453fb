"""Excel workbooks: one sheet becomes delimited text in memory, which the CSV reader then reads.

Of a formula the value counts that the workbook holds. Values are written out in one way: numbers as
shortest text, moments in ISO form, booleans as true and false; an Excel date in a DATE column is a
date. Wholly empty rows are no records.

Here: sheet, header, cells. Not here: XML (`sheet_marks`), casts and rules.
"""

from __future__ import annotations

import re
import threading
import warnings
import zipfile
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from decimal import Decimal
from io import BytesIO
from itertools import count, islice
from pathlib import Path
from typing import Any, BinaryIO

from openpyxl import load_workbook
from openpyxl.utils.cell import coordinate_to_tuple

from dagster_project.contracts.model import Column, Contract, FileFormat
from dagster_project.errors import DeliveryRefused
from dagster_project.sources import delimited
from dagster_project.sources.files import memory_file, opened
from dagster_project.sources.formats import Edit, Fields, Relation
from dagster_project.sources.headers import check_names, names_due
from dagster_project.sources.sheet_marks import Cell, Marks, read_marks
from dagster_project.sources.text import MAX_LINE_BYTES

MAY_BREAK_RECORDS = False
MAX_UNZIPPED_BYTES = 200 * 1024 * 1024
MAX_CELLS = 50_000_000
"""Looked at, with the empty ones before a filled one: a few bytes of XML may ask for billions."""

_CONTROL = re.compile("_x00([01][0-9A-Fa-f])_")
"""How a workbook writes a character that XML may not hold."""
_ONE_AT_A_TIME = threading.RLock()
"""Filters of warnings are one for all threads."""

_EMPTIED = "-"
_FIRST_LINE = b"records\n"
"""It is skipped: DuckDB takes the first line end, be it one in quotes, for the kind of all."""

Row = tuple[int, tuple[Any, ...]]
"""Number in the sheet, and cells."""


@dataclass(frozen=True)
class _Table:
    """The table of a sheet, its header read."""

    names: list[str]
    """Of its columns, as sent."""
    stated: dict[str, str]
    """Text of each cell above it that the contract names."""
    rows: Iterator[Row]
    """What stands below the header."""
    marks: Marks


@contextmanager
def prepared(path: Path, contract: Contract, *, sequence: int, temp: Path) -> Iterator[Path]:
    """The sheet's records as delimited text, in memory.

    Raises:
        DeliveryRefused: no workbook, or another sheet, header or kind of cell than is due.
    """
    with opened(path) as source, memory_file(temp) as (target, target_path):
        with _table(source, contract) as table:
            due = names_due(_in_table(contract), sequence)
            line = contract.dialect.header_line
            check_names(table.names, due, line=line, cell_of=lambda n: table.marks.name((line, n)))
            target.write(_FIRST_LINE)
            with closing(_records(table, contract)) as records:
                for number, texts in records:
                    target.write(_line(texts, number))
        target.flush()
        yield target_path


def _line(texts: list[str], number: int) -> bytes:
    line = ",".join('"' + text.replace('"', '""') + '"' for text in texts) + "\n"
    data = line.encode()
    if len(data) > MAX_LINE_BYTES:
        raise DeliveryRefused(
            "file.line_size",
            f"a row is longer than {MAX_LINE_BYTES} bytes; ask the sender for a whole file",
            line=number,
        )
    return data


def relation(path: Path, contract: Contract, sequence: int) -> Relation:
    """The prepared records."""
    del sequence  # the header was checked
    dialect = replace(contract.dialect, format=FileFormat.CSV, delimiter=",", quote='"')
    return Relation(delimited.rows_sql(path, replace(contract, dialect=dialect), skip=1))


def check_count(path: Path, contract: Contract, record_count: int) -> None:
    """Nothing to see: the prepared text is of our own making."""


def refusal(
    path: Path, contract: Contract, message: str, *, is_content: bool
) -> DeliveryRefused | None:
    """None: the prepared text is of our own making."""
    del path, contract, message, is_content
    return None


def record(data: bytes, contract: Contract, number: int) -> dict[str, str] | None:
    """A row's texts, under sheet, cell and heading: `Henkilöstö!D11, Henkilöstö / Alussa`."""
    if number < 1:
        return None
    with _table(BytesIO(data), contract) as table, closing(_records(table, contract)) as records:
        found = next(islice(records, number - 1, None), None)
        if found is None:
            return None
        row, texts = found
        return dict(zip(_places(contract, table.marks, row), texts, strict=True))


def _places(contract: Contract, marks: Marks, row: int) -> Iterator[str]:
    """Where each column of a row stands."""
    numbers = count(1)
    for column in contract.columns:
        if column.cell is None:
            yield f"{marks.name((row, next(numbers)))}, {column.source_name}"
        else:
            yield f"{marks.name(coordinate_to_tuple(column.cell))}, {column.name}"


def rewritten(data: bytes, contract: Contract, edit: Edit) -> bytes:
    """The workbook written anew, where a row has changed: with values in place of its formulas.

    A row that loses everything holds a mark in its first cell, since an empty one is no record.
    """
    names = [c.source_name for c in contract.columns]
    with _table(BytesIO(data), contract) as table, closing(_records(table, contract)) as records:
        rows = [(row, dict(zip(names, texts, strict=True))) for row, texts in records]
    edits = [(row, edit(n, fields)) for n, (row, fields) in enumerate(rows, start=1)]
    changed = {row: new for row, new in edits if new is not None}
    if not changed:
        return data
    buffer = BytesIO()
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        book = load_workbook(BytesIO(data), data_only=True, keep_links=False)
        for row, new in changed.items():
            _empty_cells(book[str(contract.dialect.sheet)], row, new, _in_table(contract))
        book.save(buffer)
    return buffer.getvalue()


def _empty_cells(sheet: Any, row: int, new: Fields, columns: list[Column]) -> None:  # noqa: ANN401
    for place, column in enumerate(columns, start=1):
        if not new[column.source_name]:
            sheet.cell(row, place).value = None
    if not any(new[c.source_name] for c in columns):
        sheet.cell(row, 1).value = _EMPTIED


def _in_table(contract: Contract) -> list[Column]:
    return [c for c in contract.columns if c.cell is None]


@contextmanager
def _table(source: BinaryIO, contract: Contract) -> Iterator[_Table]:
    """The sheet due, read up to the end of its header."""
    dialect = contract.dialect
    first, last = dialect.header_line, dialect.header_line + dialect.header_rows - 1
    with _sheet(source, dialect.sheet) as sheet:
        with _refused_if_broken(), sheet._get_source() as xml:
            marks = read_marks(xml, sheet=str(dialect.sheet), header=range(first, last + 1))
        with closing(_rows(sheet)) as rows:
            head = dict(islice(rows, last))
            names = _names(head, marks, first=first, last=last)
            yield _Table(names, _stated(head, contract, marks), rows, marks)


@contextmanager
def _sheet(source: BinaryIO, name: str) -> Iterator[Any]:
    """The sheet of a name, in openpyxl's mode that reads row by row.

    openpyxl warns of what it does not know, and in doing so may quote a cell.
    """
    with _ONE_AT_A_TIME, warnings.catch_warnings():
        warnings.simplefilter("ignore")
        with _refused_if_broken():
            _check_size(source)
            book = load_workbook(source, read_only=True, data_only=True, keep_links=False)
        with closing(book):
            sheet: Any = next((s for s in book.worksheets if s.title == name), None)
            if sheet is None:
                raise DeliveryRefused(
                    "file.sheet",
                    f"the workbook has no sheet {name!r}; ask the sender for the agreed workbook",
                )
            sheet.reset_dimensions()  # stated by the sender, and rows beyond would be left out
            yield sheet


def _check_size(source: BinaryIO) -> None:
    with zipfile.ZipFile(source) as archive:
        size = sum(entry.file_size for entry in archive.infolist())
    if size > MAX_UNZIPPED_BYTES:
        raise DeliveryRefused(
            "file.format",
            f"the workbook is larger than {MAX_UNZIPPED_BYTES} bytes when unzipped;"
            " ask the sender for it in parts, or as CSV",
        )
    source.seek(0)


@contextmanager
def _refused_if_broken() -> Iterator[None]:
    """Any error of the library is the file's: it has no class of its own for them."""
    try:
        yield
    except (DeliveryRefused, MemoryError):
        raise
    except Exception:
        raise DeliveryRefused(
            "file.format",
            "the file is no Excel workbook (xlsx), is encrypted, or is damaged;"
            " ask the sender for a sound one without password",
        ) from None


def _rows(sheet: Any) -> Generator[Row]:  # noqa: ANN401 - openpyxl's stubs know no such sheet
    """The sheet's rows by number, those that the file leaves out being empty."""
    looked_at = 0
    with _refused_if_broken():
        for number, cells in enumerate(sheet.iter_rows(), start=1):
            looked_at += 1 + len(cells)
            if looked_at > MAX_CELLS:
                raise DeliveryRefused(
                    "file.format",
                    f"the sheet spans more than {MAX_CELLS} cells; ask the sender for less",
                    line=number,
                )
            yield number, cells


def _names(head: dict[int, tuple[Any, ...]], marks: Marks, *, first: int, last: int) -> list[str]:
    """Names of the columns: what stands in the header's rows, from top to bottom."""
    rows = range(first, last + 1)
    width = max((len(head.get(number, ())) for number in rows), default=0)
    width = max([width, *(right for _, top, right, _ in marks.merged if top in rows)])
    names = [_name([(row, column) for row in rows], head, marks) for column in range(1, width + 1)]
    while names and not names[-1]:
        names.pop()
    return names


def _name(cells: list[Cell], head: dict[int, tuple[Any, ...]], marks: Marks) -> str:
    """Name of one column; a merged cell says the same wherever it reaches, and says it once."""
    anchors = dict.fromkeys(marks.anchor(cell) for cell in cells)
    parts = [_said(_value(head, anchor)).strip() for anchor in anchors]
    return " / ".join(part for part in parts if part)


def _stated(head: dict[int, tuple[Any, ...]], contract: Contract, marks: Marks) -> dict[str, str]:
    """Texts of the cells above the table that the contract names."""
    found = {}
    for column in contract.columns:
        if column.cell is not None:
            row, place = coordinate_to_tuple(column.cell)
            cells = head.get(row, ())
            cell = cells[place - 1] if place <= len(cells) else None
            found[column.cell] = _text(cell, column, (row, place), marks)
    return found


def _value(head: dict[int, tuple[Any, ...]], cell: Cell) -> object:
    row, column = cell
    cells = head.get(row, ())
    return cells[column - 1].value if column <= len(cells) else None


def _records(table: _Table, contract: Contract) -> Generator[tuple[int, list[str]]]:
    """Rows that hold something: their number in the sheet, and texts in the contract's order."""
    columns = _in_table(contract)
    for number, cells in table.rows:
        _check_width(cells, number, len(columns), table.marks)
        padded = (*cells, *(None,) * (len(columns) - len(cells)))
        places = enumerate(zip(padded, columns, strict=False), start=1)
        texts = [_text(cell, c, (number, place), table.marks) for place, (cell, c) in places]
        if any(texts):
            own = iter(texts)
            yield (
                number,
                [next(own) if c.cell is None else table.stated[c.cell] for c in contract.columns],
            )


def _check_width(cells: tuple[Any, ...], number: int, due: int, marks: Marks) -> None:
    beyond = (n for n, cell in enumerate(cells[due:], start=due + 1) if cell.value is not None)
    if (place := next(beyond, None)) is not None:
        raise DeliveryRefused(
            "file.columns",
            f"a row has a value beyond the {due} columns of the header;"
            " ask the sender for the agreed sheet",
            line=number,
            cell=marks.name((number, place)),
        )


def _text(cell: Any, column: Column, place: Cell, marks: Marks) -> str:  # noqa: ANN401 - a cell
    """A cell's value as text, as the column's type would have it; empty where there is none.

    Raises:
        DeliveryRefused: the cell holds an error, a formula without value, or a NUL character.
    """
    where: dict[str, Any] = {
        "line": place[0],
        "column": column.source_name,
        "cell": marks.name(place),
    }
    if place in marks.uncached:
        raise DeliveryRefused(
            "file.formula_uncached",
            "the workbook holds a formula and not its value;"
            " ask the sender to save it in Excel, or to send values",
            **where,
        )
    if cell is None or cell.value is None:
        return ""
    if cell.data_type == "e":
        raise DeliveryRefused(
            "file.formula_error",
            "the cell holds an error (as #REF! or #DIV/0!), or a date that is none;"
            " ask the sender to mend it",
            **where,
        )
    text = _said(cell.value, column.sql_type)
    if "\0" in text:
        raise DeliveryRefused(
            "file.nul", "a cell holds a NUL character; ask the sender for a clean file", **where
        )
    return text


def _said(value: object, sql_type: str = "VARCHAR") -> str:
    """A value of a cell in the one way in which it is written out."""
    match value:
        case None:
            return ""
        case str():
            return _CONTROL.sub(lambda match: chr(int(match[1], 16)), value)
        case bool():
            return str(value).lower()
        case float():
            return _number(value, is_decimal=sql_type.startswith("DECIMAL"))
        case datetime() if value.time() == time() and sql_type != "TIMESTAMP":
            return value.date().isoformat()
        case datetime():
            return value.isoformat(sep=" ")
        case date() if sql_type == "TIMESTAMP":
            return f"{value.isoformat()} 00:00:00"
        case _:
            return str(value)


def _number(value: float, *, is_decimal: bool) -> str:
    """Shortest digits, no exponent; of a decimal the 15 that Excel shows (0.1 + 0.2 is 0.3)."""
    digits = f"{value:.15g}" if is_decimal else repr(value)
    text = f"{Decimal(digits):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
