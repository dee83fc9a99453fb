"""JSON documents: the array of records becomes one line each in memory, read as NDJSON then.

A document is read whole: in memory it takes up to ten times the room of its text.

Here: the document, its version, and where the records are. Not here: what a record must be like
(`json_lines`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from json import JSONDecodeError
from pathlib import Path
from typing import BinaryIO, NoReturn

from dagster_project.contracts.model import Contract, Dialect
from dagster_project.errors import DeliveryRefused
from dagster_project.sources import json_lines
from dagster_project.sources.files import memory_file, opened
from dagster_project.sources.formats import Edit, Relation
from dagster_project.sources.text import MAX_LINE_BYTES, wrong_encoding

MAY_BREAK_RECORDS = True
MAX_DOCUMENT_BYTES = 512 * 1024 * 1024

Value = dict[str, "Value"] | list["Value"] | str | int | float | bool | None


@contextmanager
def prepared(path: Path, contract: Contract, *, sequence: int, temp: Path) -> Iterator[Path]:
    """The records, one per line, in memory.

    Raises:
        DeliveryRefused: no JSON, another version, or no array of records.
    """
    del sequence  # there is no header
    with opened(path) as source:
        data = _read(source)
    with memory_file(temp) as (target, target_path):
        for number, item in enumerate(_records(data, contract), start=1):
            target.write(_line(item, number))
        target.flush()
        yield target_path


def _read(source: BinaryIO) -> bytes:
    data = source.read(MAX_DOCUMENT_BYTES + 1)
    if len(data) > MAX_DOCUMENT_BYTES:
        raise DeliveryRefused(
            "file.format",
            f"the document is larger than {MAX_DOCUMENT_BYTES} bytes;"
            " ask the sender for it in parts, or as NDJSON",
        )
    return data


def _line(item: Value, number: int) -> bytes:
    try:
        line = json.dumps(item).encode() + b"\n"
    except RecursionError:
        raise _no_document() from None
    if len(line) > MAX_LINE_BYTES:
        raise DeliveryRefused(
            "file.line_size",
            f"record {number} is longer than {MAX_LINE_BYTES} bytes;"
            " ask the sender for a whole file",
        )
    return line


def _records(data: bytes, contract: Contract) -> list[Value]:
    """The array of records.

    Raises:
        DeliveryRefused: there is none, or the document is not the contract's.
    """
    document = _document(data, contract)
    _check_version(document, contract.dialect)
    pointer = contract.dialect.records
    found = _at(document, pointer)
    if not isinstance(found, list):
        raise DeliveryRefused(
            "file.records",
            f"the document has no array of records at {pointer!r};"
            " ask the sender for the agreed document",
        )
    return found


def _document(data: bytes, contract: Contract) -> Value:
    try:
        document: Value = json.loads(
            data.decode("utf-8"), object_pairs_hook=_object, parse_constant=_no_constant
        )
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise wrong_encoding(contract, "it is not UTF-8", line=line) from None
    except JSONDecodeError as error:
        raise _no_document(error.lineno) from None
    except (ValueError, RecursionError):  # a number of thousands of digits, nested without end
        raise _no_document() from None
    return document


def _no_document(line: int | None = None) -> DeliveryRefused:
    return DeliveryRefused(
        "file.format",
        "the file is not a JSON document, or is cut off; ask the sender for a whole file",
        line=line,
    )


def _object(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    """An object as RFC 8259 would have it: of two values under one name, none is right."""
    found = dict(pairs)
    if len(found) < len(pairs):
        raise DeliveryRefused(
            "file.doubled_key",
            "the document has an object with a key given twice; ask the sender for a sound one",
        )
    return found


def _no_constant(_: str) -> NoReturn:
    raise ValueError("NaN and Infinity are no JSON")


def _check_version(document: Value, dialect: Dialect) -> None:
    if dialect.version_pointer is None:
        return
    found = _at(document, dialect.version_pointer)
    is_name = isinstance(found, str | int | float) and not isinstance(found, bool)
    if not is_name or str(found) != dialect.version:
        raise DeliveryRefused(
            "file.version",
            f"the document is not of version {dialect.version}, as {dialect.version_pointer}"
            " should say; ask the sender for the agreed version",
        )


def _at(document: Value, pointer: str) -> Value:
    """What a JSON pointer (RFC 6901) leads to; None where nothing is there."""
    found = document
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        found = found.get(name) if isinstance(found, dict) else _item(found, name)
    return found


def _item(found: Value, place: str) -> Value:
    if not isinstance(found, list) or not (place.isascii() and place.isdigit()):
        return None
    return found[int(place)] if int(place) < len(found) else None


def relation(path: Path, contract: Contract, sequence: int) -> Relation:
    """The prepared lines, as NDJSON."""
    return json_lines.relation(path, contract, sequence)


def check_count(path: Path, contract: Contract, record_count: int) -> None:
    """Nothing to see: the prepared lines are of our own making."""


def refusal(
    path: Path, contract: Contract, message: str, *, is_content: bool
) -> DeliveryRefused | None:
    """None: the prepared lines are of our own making."""
    del path, contract, message, is_content
    return None


def record(data: bytes, contract: Contract, number: int) -> dict[str, str] | None:
    """An item of the array, as JSON."""
    found = _records(data, contract)
    if not 1 <= number <= len(found):
        return None
    text = json.dumps(found[number - 1], ensure_ascii=False)
    return {"record": text.encode(errors="backslashreplace").decode()}  # half a surrogate pair


def rewritten(data: bytes, contract: Contract, edit: Edit) -> bytes:
    """The document written anew, where a record has changed."""
    document = _document(data, contract)
    found = _at(document, contract.dialect.records)
    if not isinstance(found, list):
        return data
    before = [json.dumps(item, ensure_ascii=False) for item in found]
    after = [
        json_lines.rewritten_line(item, number, contract, edit)
        for number, item in enumerate(before, start=1)
    ]
    if after == before:
        return data
    found[:] = [json.loads(item) for item in after]
    return json.dumps(document, ensure_ascii=False).encode()
