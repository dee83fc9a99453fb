"""Excel workbooks as Excel would save them: formulas with their values, the same bytes every time.

openpyxl writes a formula without its value, which nobody but a spreadsheet program could then read;
it also writes the time of day into the file.

Here: cells to the bytes of a workbook. Not here: what stands in the cells (`scorecards`).
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO

from openpyxl import Workbook

Value = str | int | float | Decimal | date | None
_FORMULA = re.compile(rb'<c r="([A-Z]+[0-9]+)"([^>]*)><f>(.*?)</f><v ?(?:/>|></v>)</c>')
_DAY_NOUGHT = date(1899, 12, 30)
"""From which Excel counts days; it takes 1900 for a leap year."""
_CREATED = re.compile(rb"(<dcterms:(?:created|modified)[^>]*>)[^<]*")


@dataclass(frozen=True)
class Formula:
    """A formula and what it comes to."""

    text: str
    """Begins with `=`."""
    value: str | int | float | Decimal | date
    """As Excel shows it when the file is saved."""


def workbook_bytes(
    book: Workbook, values: Mapping[str, Mapping[str, Formula]], *, saved: datetime
) -> bytes:
    """The file of a workbook.

    Args:
        book: With the formulas in their cells.
        values: By title of sheet and by cell, the formulas.
        saved: When the file says that it was saved.
    """
    raw = BytesIO()
    book.save(raw)
    parts = {
        f"xl/worksheets/sheet{n}.xml": values.get(sheet.title, {})
        for n, sheet in enumerate(book.worksheets, start=1)
    }
    result = BytesIO()
    with zipfile.ZipFile(raw) as old, zipfile.ZipFile(result, "w") as new:
        for name in old.namelist():
            content = _with_values(old.read(name), parts.get(name, {}))
            if name == "docProps/core.xml":
                content = _CREATED.sub(rf"\g<1>{saved:%Y-%m-%dT%H:%M:%SZ}".encode(), content)
            # An entry without a time of its own: 1 January 1980.
            entry = zipfile.ZipInfo(name)
            new.writestr(entry, content, compress_type=zipfile.ZIP_DEFLATED)
    return result.getvalue()


def _with_values(xml: bytes, formulas: Mapping[str, Formula]) -> bytes:
    """The XML of a sheet with each formula's value behind it."""

    def filled(match: re.Match[bytes]) -> bytes:
        formula = formulas[match[1].decode()]
        kind = b' t="str"' if isinstance(formula.value, str) else b""
        value = _written(formula.value).encode()
        return b'<c r="%b"%b%b><f>%b</f><v>%b</v></c>' % (
            match[1],
            match[2],
            kind,
            match[3],
            value,
        )

    return _FORMULA.sub(filled, xml)


def _written(value: str | int | float | Decimal | date) -> str:
    """A value as a sheet's XML has it; a date as its number."""
    if isinstance(value, date):
        return str((value - _DAY_NOUGHT).days)
    return str(value).replace("&", "&amp;").replace("<", "&lt;")
