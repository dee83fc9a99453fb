"""Workbooks as a sender might write them, sound and not.

Here: rows to bytes, and changes to the XML that openpyxl would not write. Not here: what becomes of
them.
"""

from __future__ import annotations

import re
import zipfile
from collections.abc import Callable, Iterable, Sequence
from io import BytesIO
from typing import Any

from openpyxl import Workbook
from openpyxl.worksheet.worksheet import Worksheet
from openpyxl.xml.constants import SHARED_STRINGS, SHEET_MAIN_NS

from tests.support.made_up import SHEET

FIRST_SHEET = "xl/worksheets/sheet1.xml"


def workbook(
    rows: Iterable[Sequence[Any]],
    *,
    sheet: str = SHEET,
    change: Callable[[Worksheet], None] | None = None,
) -> bytes:
    """A workbook with one sheet of these rows, changed before it is saved."""
    book = Workbook()
    page = book.worksheets[0]
    page.title = sheet
    for row in rows:
        page.append(list(row))
    if change is not None:
        change(page)
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def rewritten(data: bytes, *changes: tuple[str, str], part: str = FIRST_SHEET) -> bytes:
    """A workbook with texts replaced, which must be there, in the XML of one part."""
    buffer = BytesIO()
    with zipfile.ZipFile(BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for entry in old.infolist():
            content = old.read(entry)
            for before, after in changes if entry.filename == part else ():
                assert before.encode() in content
                content = content.replace(before.encode(), after.encode())
            new.writestr(entry, content, compress_type=zipfile.ZIP_DEFLATED)
    return buffer.getvalue()


def shared(data: bytes) -> bytes:
    """A workbook whose texts stand in one table, as Excel has them; openpyxl has them in place."""
    with zipfile.ZipFile(BytesIO(data)) as old:
        parts = {entry: old.read(entry).decode() for entry in old.namelist()}
    texts: list[str] = []

    def move(match: re.Match[str]) -> str:
        texts.append(match[1])
        return f't="s"><v>{len(texts) - 1}</v></c>'

    parts[FIRST_SHEET] = re.sub('t="inlineStr"><is>(.*?)</is></c>', move, parts[FIRST_SHEET])
    items = "".join(f"<si>{text}</si>" for text in texts)
    parts["xl/sharedStrings.xml"] = f'<sst xmlns="{SHEET_MAIN_NS}">{items}</sst>'
    kind = f'<Override PartName="/xl/sharedStrings.xml" ContentType="{SHARED_STRINGS}" />'
    types = "[Content_Types].xml"
    parts[types] = parts[types].replace("</Types>", f"{kind}</Types>")
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as new:
        for entry, content in parts.items():
            new.writestr(entry, content)
    return buffer.getvalue()
