"""The bytes of a delivery as UTF-8 text, checked against the encoding its contract states.

Here: encodings, byte order marks, NUL bytes, over-long lines, cut-off ends. Not here: fields and
records (`delimited`, `json_lines`), files that are no text (`parquet`, `workbooks`).
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import numpy as np

from dagster_project.contracts.model import Contract, FileFormat
from dagster_project.errors import DeliveryRefused
from dagster_project.sources.files import by_descriptor, memory_file, opened

MAX_LINE_BYTES = 1024 * 1024
_CHUNK = 1024 * 1024
_BOM = codecs.BOM_UTF8
_BOMS_OF_UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_C1_CONTROLS = bytes(range(0x80, 0xA0))
_BEYOND_ASCII = re.compile(rb"[\x80-\xff]")


@contextmanager
def utf8_text(path: Path, contract: Contract, *, temp: Path) -> Iterator[Path]:
    """A path under which the delivery can be read as UTF-8.

    A UTF-8 delivery is read where it lies; an 8-bit one is transcoded into memory (a file in `temp`
    where the system has no memory files), because DuckDB refuses bytes 0x80-0x9F.

    Raises:
        DeliveryRefused: a NUL byte, an over-long line, another encoding than the contract's, a
            cut-off or empty file.
    """
    with opened(path) as source:
        if contract.dialect.encoding in ("utf-8", "utf-8-sig"):
            _check_chunks(source, contract)
            yield by_descriptor(source, path)
        else:
            with memory_file(temp) as (target, target_path):
                _transcode(source, target, contract)
                target.flush()
                yield target_path


def _check_chunks(source: BinaryIO, contract: Contract) -> None:
    """Check bytes that should be UTF-8 already, save whether they are: DuckDB sees to that."""
    checker = _Checker(contract)
    while chunk := source.read(_CHUNK):
        checker.see(chunk)
    checker.finish()


def _transcode(source: BinaryIO, target: BinaryIO, contract: Contract) -> None:
    checker = _Checker(contract)
    utf8 = _Utf8Suspicion(checker)
    while chunk := source.read(_CHUNK):
        checker.see(chunk)
        utf8.see(chunk)
        if not chunk.isascii():
            chunk = _decoded(chunk, checker, contract).encode("utf-8")
        target.write(chunk)
    checker.finish()
    if utf8.confirmed():
        raise wrong_encoding(contract, "its bytes are UTF-8", line=utf8.first_line)


def _decoded(chunk: bytes, checker: _Checker, contract: Contract) -> str:
    encoding = contract.dialect.encoding
    if encoding == "iso-8859-1" and len(chunk) != len(chunk.translate(None, _C1_CONTROLS)):
        position = next(i for i, byte in enumerate(chunk) if byte in _C1_CONTROLS)
        why = "it holds bytes 0x80-0x9F, as Windows-1252 would"
    else:
        try:
            return chunk.decode(encoding)
        except UnicodeDecodeError as error:
            position = error.start
        why = f"it holds a byte that is none of {encoding}"
    line, column = checker.line_in_last(position), checker.column_in_last(position)
    raise wrong_encoding(contract, why, line=line, column=str(column))


def wrong_encoding(
    contract: Contract, why: str, *, line: int | None = None, column: str | None = None
) -> DeliveryRefused:
    """The refusal of a file that is not in the encoding its contract states."""
    return DeliveryRefused(
        "file.encoding",
        f"the contract says {contract.dialect.encoding}, but {why};"
        " ask the sender for the agreed encoding",
        line=line,
        column=column,
    )


def count_byte(chunk: bytes, byte: bytes) -> int:
    """How often a byte occurs: four times as fast as `bytes.count` where it is frequent."""
    return int(np.count_nonzero(np.frombuffer(chunk, dtype=np.uint8) == byte[0]))


class _Checker:
    """Looks at the bytes as they pass: byte order mark, NUL, length of lines, how the file ends."""

    def __init__(self, contract: Contract) -> None:
        self._contract = contract
        self._chunk = b""
        self._lines_before = 0
        self._lines = 0
        self._unended = 0
        """Bytes of the line that the last chunk left open."""
        self._unended_before = 0
        """The same of the chunk before it."""

    def see(self, chunk: bytes) -> None:
        """Check one chunk."""
        if not self._chunk:
            self._check_mark(chunk)
        self._chunk, self._lines_before = chunk, self._lines
        self._unended_before = self._unended
        nul = chunk.find(b"\0")
        if nul >= 0:
            raise DeliveryRefused(
                "file.nul",
                "the file holds a NUL byte; ask the sender for a clean file",
                line=self.line_in_last(nul),
            )
        self._check_line_lengths()
        self._lines += count_byte(chunk, b"\n")

    def line_in_last(self, position: int) -> int:
        """1-based line of a position in the chunk that was seen last."""
        return self._lines_before + self._chunk.count(b"\n", 0, position) + 1

    def column_in_last(self, position: int) -> int:
        """1-based place in its line of a position in the chunk that was seen last."""
        end = self._chunk.rfind(b"\n", 0, position)
        return position - end if end >= 0 else self._unended_before + position + 1

    def _check_mark(self, chunk: bytes) -> None:
        if chunk.startswith(_BOMS_OF_UTF16):
            raise wrong_encoding(self._contract, "its bytes are UTF-16", line=1)
        is_due = self._contract.dialect.encoding == "utf-8-sig"
        if is_due and not chunk.startswith(_BOM):
            why = "the byte order mark that is due at its start is missing"
            raise wrong_encoding(self._contract, why, line=1)
        if not is_due and chunk.startswith(_BOM):
            why = "it begins with the byte order mark of UTF-8, which is not due"
            raise wrong_encoding(self._contract, why, line=1)

    def _check_line_lengths(self) -> None:
        """Hop from line end to line end, each time as far as a line may reach.

        DuckDB's reader drops a line longer than its buffer without a word.
        """
        start = -self._unended
        while start + MAX_LINE_BYTES < len(self._chunk):
            end = self._chunk.rfind(b"\n", max(start, 0), start + MAX_LINE_BYTES)
            if end < 0:
                raise DeliveryRefused(
                    "file.line_size",
                    f"a line is longer than {MAX_LINE_BYTES} bytes;"
                    " ask the sender for a whole file",
                    line=self.line_in_last(max(start, 0)),
                )
            start = end + 1
        last_end = self._chunk.rfind(b"\n")
        carried = self._unended if last_end < 0 else 0
        self._unended = carried + len(self._chunk) - (last_end + 1)

    def finish(self) -> None:
        """Check the end of the file."""
        if not self._chunk:
            if self._contract.dialect.format is FileFormat.NDJSON:
                return  # no header is due, so no record is no bytes
            raise DeliveryRefused("file.empty", "the file is empty; a header is due", line=1)
        if self._contract.delivery.final_newline and not self._chunk.endswith(b"\n"):
            raise DeliveryRefused(
                "file.truncated",
                "the last line has no line end, so the file may be cut off; ask for it again",
                line=self._lines + 1,
            )


class _Utf8Suspicion:
    """Whether bytes that should be 8-bit text are UTF-8: valid as such, and not plain ASCII."""

    def __init__(self, checker: _Checker) -> None:
        self.first_line: int | None = None
        """Of those that hold more than ASCII."""
        self._checker = checker
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._valid = True

    def see(self, chunk: bytes) -> None:
        """Take in one chunk, which the checker has seen last."""
        if not self._valid or (self.first_line is None and chunk.isascii()):
            return
        beyond = _BEYOND_ASCII.search(chunk) if self.first_line is None else None
        if beyond:
            self.first_line = self._checker.line_in_last(beyond.start())
        try:
            self._decoder.decode(chunk)
        except UnicodeDecodeError:
            self._valid = False

    def confirmed(self) -> bool:
        """Whether all that was seen is UTF-8 with characters beyond ASCII."""
        return self._valid and self.first_line is not None


def first_lines(path: Path, count: int) -> list[str]:
    """The first lines of a UTF-8 file without byte order mark and line ends.

    Raises:
        DeliveryRefused: they are not UTF-8.
    """
    with path.open("rb") as handle:
        lines = [handle.readline(_CHUNK) for _ in range(count)]
    texts = []
    for number, line in enumerate(lines, start=1):
        try:
            texts.append(line.removeprefix(_BOM).decode("utf-8").rstrip("\r\n"))
        except UnicodeDecodeError:
            raise DeliveryRefused(
                "file.encoding",
                "the header is not UTF-8; ask the sender for the agreed encoding",
                line=number,
            ) from None
    return texts
