"""What a sheet's XML says and openpyxl does not when it reads row by row.

Merged cells, formulas without a value, and rows or cells out of order, which it would drop.

Here: one pass over the XML of one sheet. Not here: values (`workbooks`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import IO, Any

from openpyxl.utils.cell import coordinate_to_tuple, get_column_letter, range_boundaries
from openpyxl.xml.constants import SHEET_MAIN_NS
from openpyxl.xml.functions import iterparse

_ROW, _CELL, _FORMULA, _VALUE, _MERGED = (
    f"{{{SHEET_MAIN_NS}}}{name}" for name in ("row", "c", "f", "v", "mergeCell")
)
_TEXT = "str"
_MAX_ROWS = 1_048_576
"""Of a sheet, by Excel."""
_MAX_MERGED = 1000

Cell = tuple[int, int]
"""Row and column, from 1."""


@dataclass(frozen=True)
class Marks:
    """What to know of a sheet besides its values."""

    sheet: str
    """Its name."""
    uncached: frozenset[Cell]
    """Cells with a formula of which the file does not hold the value."""
    merged: tuple[tuple[int, int, int, int], ...]
    """First column, first row, last column, last row of each merged cell in the header."""

    def name(self, cell: Cell) -> str:
        """A cell as people name it: `Henkilöstö!D11`."""
        row, column = cell
        return f"{self.sheet}!{get_column_letter(column)}{row}"

    def anchor(self, cell: Cell) -> Cell:
        """The cell that holds the value of a cell: itself, or the first of the merged one."""
        row, column = cell
        for left, top, right, bottom in self.merged:
            if left <= column <= right and top <= row <= bottom:
                return top, left
        return cell


def read_marks(source: IO[bytes], *, sheet: str, header: range) -> Marks:
    """Read a sheet's XML.

    Args:
        source: The part of the workbook.
        sheet: Its name.
        header: Rows of the header, where merged cells matter.

    Raises:
        ValueError: rows or cells are out of order, or merged without end.
    """
    uncached: list[Cell] = []
    merged = []
    last = 0
    for _, element in iterparse(source):
        if element.tag == _ROW:
            last = _later(element.get("r"), last)
            uncached += _uncached(element, last)
            element.clear()
        elif element.tag == _MERGED:
            left, top, right, bottom = _range(element.get("ref") or "")
            if top < header.stop and bottom >= header.start:
                merged.append((left, top, right, bottom))
    if len(merged) > _MAX_MERGED:
        raise ValueError("too many merged cells in the header")
    return Marks(sheet, frozenset(uncached), tuple(merged))


def _range(stated: str) -> tuple[int, int, int, int]:
    left, top, right, bottom = range_boundaries(stated)
    if left is None or top is None or right is None or bottom is None:
        raise ValueError("a whole row or column is no merged cell")
    return left, top, right, bottom


def _later(stated: str | None, last: int) -> int:
    """Number of a row or column that follows the last one."""
    number = int(stated) if stated else last + 1
    if not last < number <= _MAX_ROWS:
        raise ValueError("rows or cells out of order")
    return number


def _uncached(row: Any, number: int) -> Iterator[Cell]:  # noqa: ANN401 - of any XML library
    column = 0
    for cell in row.iter(_CELL):
        coordinate = cell.get("r")
        stated = str(coordinate_to_tuple(coordinate)[1]) if coordinate else None
        column = _later(stated, column)
        if cell.find(_FORMULA) is not None and _has_no_value(cell):
            yield number, column


def _has_no_value(cell: Any) -> bool:  # noqa: ANN401 - of any XML library
    """A formula that gives the empty text has a value too: an empty one, of type text."""
    value = cell.find(_VALUE)
    return value is None or (not value.text and cell.get("t") != _TEXT)
