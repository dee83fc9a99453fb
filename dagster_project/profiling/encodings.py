"""Which encoding a text file is written in, as far as its bytes tell: all of them are looked at.

Here: UTF-8 with and without byte order mark, ISO-8859-1 and Windows-1252. Not here: reading.
"""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass
from pathlib import Path

from dagster_project.errors import DeliveryRefused

_CHUNK = 4 * 1024 * 1024
_C1 = bytes(range(0x80, 0xA0))
_NOT_OF_1252 = bytes((0x81, 0x8D, 0x8F, 0x90, 0x9D))
_FINNISH_IN_UTF8 = re.compile(rb"\xc3[\xa4\xb6\xa5\x84\x96\x85\xa9]")
"""What å, ä, ö and é are in UTF-8; in a file of 8 bits it would read Ã and a sign."""


@dataclass(frozen=True)
class Encoding:
    """An encoding and what speaks for it."""

    name: str
    evidence: str


def encoding_of(path: Path) -> Encoding:
    """The encoding of a whole file.

    Raises:
        DeliveryRefused: part of it is UTF-8 and part is not, or it is none that is known.
    """
    fault, is_ascii, has_mark = _utf8_fault(path)
    if fault is None and has_mark:
        return Encoding("utf-8-sig", "it begins with the byte order mark, and all of it is UTF-8")
    if fault is None and is_ascii:
        return Encoding("utf-8", "it is plain ASCII; ask the sender what letters å, ä, ö come in")
    if fault is None:
        return Encoding("utf-8", "all of it is UTF-8, and there is no byte order mark")
    return _of_8_bits(path, fault)


def _utf8_fault(path: Path) -> tuple[int | None, bool, bool]:
    """Line of the first byte that is no UTF-8, if any; whether all is ASCII; whether marked."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    line, is_ascii, has_mark = 1, True, False
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            if line == 1 and is_ascii:
                has_mark = has_mark or chunk.startswith(codecs.BOM_UTF8)
            plain = chunk.isascii()
            is_ascii = is_ascii and plain
            if not plain or decoder.getstate()[0]:
                try:
                    decoder.decode(chunk)
                except UnicodeDecodeError as error:
                    return line + chunk.count(b"\n", 0, error.start), False, has_mark
            line += chunk.count(b"\n")
    if decoder.getstate()[0]:
        return line, False, has_mark
    return None, is_ascii, has_mark


def _of_8_bits(path: Path, fault: int) -> Encoding:
    has_c1 = has_undefined = has_currency = False
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK) + file.readline():
            if _FINNISH_IN_UTF8.search(chunk):
                raise DeliveryRefused(
                    "file.encoding",
                    "some of its letters are written in UTF-8 and others are not;"
                    " ask the sender for one encoding throughout",
                    line=fault,
                )
            has_undefined = has_undefined or len(chunk.translate(None, _NOT_OF_1252)) < len(chunk)
            has_c1 = has_c1 or len(chunk.translate(None, _C1)) < len(chunk)
            has_currency = has_currency or b"\xa4" in chunk
    if has_undefined:
        raise DeliveryRefused(
            "file.encoding",
            "it is neither UTF-8 nor Windows-1252 nor ISO-8859-1; ask the sender what it is",
            line=fault,
        )
    if has_c1:
        return Encoding(
            "windows-1252", "it is no UTF-8, and has bytes 0x80-0x9F, as the euro sign is in 1252"
        )
    doubt = " (byte 0xA4 occurs: if it is a euro sign, it is ISO-8859-15)" if has_currency else ""
    return Encoding(
        "iso-8859-1",
        "it is no UTF-8, and has no bytes 0x80-0x9F; Windows-1252 would read the same,"
        f" and allow the euro sign{doubt}",
    )
