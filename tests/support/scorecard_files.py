"""A provider's scorecard as a workbook of a few rows, sound until a test changes it.

Here: cells by the layout of the contracts of provider_scorecards. Not here: what becomes of them,
plausible scorecards (`dagster_project.synthetic.scorecards`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from typing import Any

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet

from dagster_project.synthetic.workbook_files import Formula, workbook_bytes

INDICATORS, STAFF = "provider_scorecards/indicators", "provider_scorecards/staff"
SHEETS = {INDICATORS: "Indikaattorit", STAFF: "Henkilöstö"}
SEQUENCE = 2017311
"""July to September 2017, sender 11."""
FIRST, LAST = date(2017, 5, 1), date(2017, 9, 30)
_HEADERS: Mapping[str, tuple[list[Any], list[Any], list[str]]] = {
    INDICATORS: (
        ["Indikaattori", None, "Kausi", None, "Toteuma", None, None, "Yksikkö", "Tila"],
        ["Tunnus", "Nimi", "Alkaa", "Päättyy", "Osoittaja", "Nimittäjä", "Arvo"],
        ["A8:B8", "C8:D8", "E8:G8", "H8:H9", "I8:I9", "J8:J9"],
    ),
    STAFF: (
        ["Ammattiryhmä", "Kausi", None, "Henkilöstö", None, None, None, "Vaihtuvuus %"],
        [None, "Alkaa", "Päättyy", "Alussa", "Aloittaneet", "Lähteneet", "Lopussa"],
        ["A8:A9", "B8:C8", "D8:G8", "H8:H9"],
    ),
}
ROWS: Mapping[str, list[list[Any]]] = {
    INDICATORS: [
        ["nps", "NPS", FIRST, LAST, 30, 60, 50, "points", "measured"],
        ["t3_days", "T3", FIRST, LAST, 130, 20, 6.5, "days", "measured"],
        ["staff_survey", "Kysely", FIRST, LAST, None, None, None, "mean", "not_scheduled"],
        *(
            [code, code, FIRST, LAST, 8, 10, 80, "pct", "measured"]
            for code in ("hba1c_in_balance", "bp_in_balance", "ldl_in_target")
        ),
    ],
    STAFF: [
        [group, FIRST, LAST, 10, 2, 1, 11, 10]
        for group in ("doctor", "nurse", "practical_nurse", "physiotherapist", "other")
    ],
}


def scorecard(
    *, change: Mapping[str, Callable[[Worksheet], None]] | None = None, titles: Any = None
) -> bytes:
    """The workbook with both sheets, each changed before it is saved.

    Args:
        change: What is done to a contract's sheet.
        titles: Other titles by contract.
    """
    book = Workbook()
    formulas = {}
    for number, (key, sheet) in enumerate((SHEETS | (titles or {})).items()):
        page = book.worksheets[0] if number == 0 else book.create_sheet()
        page.title = sheet
        formulas[sheet] = _fill(page, key)
        if change and key in change:
            change[key](page)
    return workbook_bytes(book, formulas, saved=datetime(2017, 10, 10, 12))


def _fill(page: Worksheet, key: str) -> dict[str, Formula]:
    """The sound sheet; the value of the first indicator is a formula."""
    page["A1"] = "Palveluntuottajan tuloskortti"
    stated: tuple[tuple[str, Any], ...] = (
        ("Tuottajan tunnus", "Y001"),
        ("Kausi alkaa", FIRST),
        ("Kausi päättyy", LAST),
        ("Laadittu", date(2017, 10, 10)),
        ("Laatija", "Aino Laatija"),
    )
    for row, (label, value) in enumerate(stated, start=2):
        page[f"A{row}"], page[f"B{row}"] = label, value
    above, below, merged = _HEADERS[key]
    if key == INDICATORS:
        above = [*above, "Huomautus"]
    for row, cells in enumerate((above, below, *ROWS[key]), start=8):
        for column, value in enumerate(cells, start=1):
            page.cell(row, column, value)
    for wide in merged:
        page.merge_cells(wide)
    if key == STAFF:
        page["G10"] = "=D10+E10-F10"
        return {"G10": Formula("=D10+E10-F10", 11)}
    page["G10"] = "=ROUND(E10/F10*100,2)"
    return {"G10": Formula("=ROUND(E10/F10*100,2)", 50)}
