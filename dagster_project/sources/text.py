"""The bytes of a delivery as UTF-8 text, checked against the encoding its contract states.

Here: encodings, NUL bytes, cut-off ends. Not here: fields and records (`delimited`, `json_lines`).
"""

from __future__ import annotations

import codecs
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from dagster_project.contracts.model import Contract
from dagster_project.errors import DeliveryRefused

_CHUNK = 8 * 1024 * 1024
_BOM = codecs.BOM_UTF8
_C1_CONTROLS = bytes(range(0x80, 0xA0))


@contextmanager
def utf8_text(path: Path, contract: Contract, *, temp: Path) -> Iterator[Path]:
    """A path under which the delivery can be read as UTF-8.

    A UTF-8 delivery is read where it lies; an 8-bit one is transcoded into memory (a file in `temp`
    where the system has no memory files), because DuckDB refuses bytes 0x80-0x9F.

    Raises:
        DeliveryRefused: a NUL byte, another encoding than the contract's, a cut-off or empty file.
    """
    encoding = contract.dialect.encoding
    with path.open("rb") as source:
        if encoding in ("utf-8", "utf-8-sig"):
            _check_chunks(source, contract)
            yield path
        else:
            with _memory_file(temp) as (target, target_path):
                _transcode(source, target, contract)
                target.flush()
                yield target_path


def _check_chunks(source: BinaryIO, contract: Contract) -> None:
    """See that UTF-8 bytes hold no NUL and end as they should; DuckDB checks the encoding itself."""
    checker = _Checker(contract)
    while chunk := source.read(_CHUNK):
        checker.see(chunk)
    checker.finish()


def _transcode(source: BinaryIO, target: BinaryIO, contract: Contract) -> None:
    checker = _Checker(contract)
    encoding = contract.dialect.encoding
    utf8 = _Utf8Suspicion()
    while chunk := source.read(_CHUNK):
        checker.see(chunk)
        utf8.see(chunk)
        if encoding == "iso-8859-1" and len(chunk) != len(chunk.translate(None, _C1_CONTROLS)):
            raise _wrong_encoding(contract, "it holds bytes 0x80-0x9F, as Windows-1252 would")
        try:
            target.write(chunk.decode(encoding).encode("utf-8"))
        except UnicodeDecodeError:
            raise _wrong_encoding(contract, f"it holds a byte that is none of {encoding}") from None
    checker.finish()
    if utf8.confirmed():
        raise _wrong_encoding(contract, "its bytes are UTF-8")


def _wrong_encoding(contract: Contract, why: str) -> DeliveryRefused:
    return DeliveryRefused(
        "file.encoding",
        f"the contract says {contract.dialect.encoding}, but {why};"
        " ask the sender for the agreed encoding",
    )


class _Checker:
    """Looks at the bytes as they pass: NUL, and how the file ends."""

    def __init__(self, contract: Contract) -> None:
        self._final_newline = contract.delivery.final_newline
        self._lines = 0
        self._last = b""

    def see(self, chunk: bytes) -> None:
        """Check one chunk."""
        nul = chunk.find(b"\0")
        if nul >= 0:
            line = self._lines + chunk.count(b"\n", 0, nul) + 1
            raise DeliveryRefused(
                "file.nul", "the file holds a NUL byte; ask the sender for a clean file", line=line
            )
        self._lines += chunk.count(b"\n")
        self._last = chunk[-1:]

    def finish(self) -> None:
        """Check the end of the file."""
        if not self._last:
            raise DeliveryRefused("file.empty", "the file is empty; a header is due", line=1)
        if self._final_newline and self._last != b"\n":
            raise DeliveryRefused(
                "file.truncated",
                "the last line has no line end, so the file may be cut off; ask for it again",
                line=self._lines + 1,
            )


class _Utf8Suspicion:
    """Whether bytes that should be 8-bit text are UTF-8: valid as such, and not plain ASCII."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")()
        self._valid = True
        self._ascii = True

    def see(self, chunk: bytes) -> None:
        """Take in one chunk."""
        if not self._valid or (self._ascii and chunk.isascii()):
            return
        self._ascii = False
        try:
            self._decoder.decode(chunk)
        except UnicodeDecodeError:
            self._valid = False

    def confirmed(self) -> bool:
        """Whether all that was seen is UTF-8 with characters beyond ASCII."""
        return self._valid and not self._ascii


@contextmanager
def _memory_file(temp: Path) -> Iterator[tuple[BinaryIO, Path]]:
    if hasattr(os, "memfd_create"):
        descriptor = os.memfd_create("delivery")
        with os.fdopen(descriptor, "wb") as handle:
            yield handle, Path(f"/proc/self/fd/{descriptor}")
        return
    with tempfile.NamedTemporaryFile(dir=temp) as named:
        yield named.file, Path(named.name)


def first_lines(path: Path, count: int) -> list[str]:
    """The first lines of a UTF-8 file without byte order mark and line ends.

    Raises:
        DeliveryRefused: they are not UTF-8.
    """
    with path.open("rb") as handle:
        lines = [handle.readline(_CHUNK) for _ in range(count)]
    try:
        return [line.removeprefix(_BOM).decode("utf-8").rstrip("\r\n") for line in lines]
    except UnicodeDecodeError:
        raise DeliveryRefused(
            "file.encoding", "the header is not UTF-8; ask the sender for the agreed encoding", line=1
        ) from None
