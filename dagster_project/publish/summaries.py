"""Summaries for spreadsheets: a workbook and CSV files on each shelf, summed from its own tables.

On the public shelf sums are of cells as they are told, so that no total tells what a cell does not;
`redacted_row_count` says of how many rows something is missing in a sum. CSV is as Finnish Excel
opens it: semicolons, decimal commas, UTF-8 with a mark.

Here: writing them. Not here: which tables have one (`summary` in an output contract).
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

from openpyxl import Workbook
from openpyxl.utils import get_column_letter

from dagster_project.contracts.published import OutputContract, Outputs, Summary
from dagster_project.lake.connection import Lake
from dagster_project.publish.disclosure import REDACTED
from dagster_project.publish.shelves import INTERNAL, PUBLIC
from dagster_project.sql_text import literal, quoted

FOLDER = "summary"
BOOK = "summary.xlsx"
Row = tuple[Any, ...]


def write(lake: Lake, release: Path, outputs: Outputs) -> None:
    """Write the summaries of both shelves from the files that lie on them."""
    for shelf in (INTERNAL, PUBLIC):
        folder = release / shelf / FOLDER
        folder.mkdir(parents=True)
        book = Workbook(write_only=True)
        sheets = _summaries(lake, release, outputs, shelf)
        for contract, heading, rows in sheets:
            _write_csv(folder / f"{contract.table}.csv", heading, rows)
            _write_sheet(book, contract, heading, rows)
        _write_notes(book, outputs, shelf)
        book.save(folder / BOOK)


def _summaries(
    lake: Lake, release: Path, outputs: Outputs, shelf: str
) -> Iterator[tuple[OutputContract, list[str], list[Row]]]:
    for name, contract in sorted(outputs.contracts.items()):
        file = release / shelf / "bi" / f"{name}.parquet"
        if contract.summary is not None and file.exists():
            query = _query(file, contract.summary, is_public=shelf == PUBLIC)
            found = lake.execute(query)
            yield contract, [column[0] for column in found.description], found.fetchall()


def _query(file: Path, summary: Summary, *, is_public: bool) -> str:
    by = ", ".join(map(quoted, summary.by))
    sums = [f"sum({quoted(name)}) as {quoted(name)}" for name in summary.sums]
    if is_public:
        sums.append(f"count(*) filter (where {REDACTED}) as redacted_row_count")
    rows = f"read_parquet({literal(str(file))})"
    return f"select {', '.join([by, *sums])} from {rows} group by {by} order by all"


def _write_csv(path: Path, heading: Sequence[str], rows: Sequence[Row]) -> None:
    with path.open("w", encoding="utf-8-sig", newline="") as file:
        writer = csv.writer(file, delimiter=";")
        writer.writerow(heading)
        writer.writerows([_in_finnish(cell) for cell in row] for row in rows)


def _in_finnish(cell: object) -> object:
    match cell:
        case None:
            return ""
        case date():
            return f"{cell.day}.{cell.month}.{cell.year}"
        case Decimal():
            return str(cell).replace(".", ",")
        case _:
            return cell


def _write_sheet(
    book: Workbook, contract: OutputContract, heading: Sequence[str], rows: Sequence[Row]
) -> None:
    sheet = book.create_sheet(contract.table[:31])
    sheet.freeze_panes = "A2"
    for number, name in enumerate(heading, start=1):
        sheet.column_dimensions[get_column_letter(number)].width = max(12, len(name) + 2)
    sheet.append(list(heading))
    for row in rows:
        sheet.append([_number(cell) for cell in row])


def _number(cell: object) -> object:
    """A sheet knows whole numbers and doubles; cents are exact in it up to 15 digits."""
    return float(cell) if isinstance(cell, Decimal) else cell


def _write_notes(book: Workbook, outputs: Outputs, shelf: str) -> None:
    sheet = book.create_sheet("columns")
    sheet.append(["table", "column", "meaning"])
    for name, contract in sorted(outputs.contracts.items()):
        if contract.summary is None or (shelf == PUBLIC and not contract.is_public):
            continue
        told = {*contract.summary.by, *contract.summary.sums}
        for column in contract.columns:
            if column.name in told:
                sheet.append([name, column.name, column.meaning])
    if shelf == PUBLIC:
        meaning = "Rows of which disclosure control left something out of the sum."
        sheet.append(["", "redacted_row_count", meaning])
