"""Parquet: schema against contract, then each column written out as the text that a CSV would hold.

Types are compared by family (text, whole number, decimal …), so that widths and units may change
and meaning may not. What the file says of a zone holds: such moments are in UTC.

Here: the schema, the relation of records, a record as sent. Not here: casts and rules.
"""

from __future__ import annotations

import io
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any, BinaryIO

import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.contracts.model import Column, Contract
from dagster_project.errors import DeliveryRefused
from dagster_project.sources.files import by_descriptor, opened
from dagster_project.sources.formats import Edit, Relation
from dagster_project.sources.headers import check_names, names_due
from dagster_project.sources.json_lines import nulled
from dagster_project.sql_text import literal

MAY_BREAK_RECORDS = True

_TEXT, _WHOLE, _DECIMAL, _FLOAT = "text", "whole number", "decimal number", "floating-point number"
_DATE, _MOMENT, _BOOLEAN, _NOTHING = "date", "timestamp", "boolean", "nothing"
_OTHER = "another type"
_DUE: dict[str, tuple[str, ...]] = {
    "VARCHAR": (_TEXT,),
    "BIGINT": (_WHOLE,),
    "INTEGER": (_WHOLE,),
    "DECIMAL": (_DECIMAL, _WHOLE),
    "DOUBLE": (_FLOAT, _DECIMAL, _WHOLE),
    "DATE": (_DATE,),
    "TIMESTAMP": (_MOMENT,),
    "BOOLEAN": (_BOOLEAN,),
}
"""Families that hold a column's type without loss."""
_BY_LOGICAL_TYPE = {
    "STRING": _TEXT,
    "ENUM": _TEXT,
    "INT": _WHOLE,
    "DECIMAL": _DECIMAL,
    "DATE": _DATE,
    "TIMESTAMP": _MOMENT,
    "UNKNOWN": _NOTHING,
}
_BY_PHYSICAL_TYPE = {
    "INT32": _WHOLE,
    "INT64": _WHOLE,
    "FLOAT": _FLOAT,
    "DOUBLE": _FLOAT,
    "BOOLEAN": _BOOLEAN,
}
_UNREADABLE = (pa.ArrowException, OSError, ValueError)
"""What pyarrow raises over a file's content."""


@dataclass(frozen=True)
class _Field:
    """A column of the file."""

    name: str
    family: str
    has_zone: bool


@contextmanager
def prepared(path: Path, contract: Contract, *, sequence: int, temp: Path) -> Iterator[Path]:
    """The file as it lies, once its schema is known to be the contract's.

    Raises:
        DeliveryRefused: not Parquet, or other columns or types than the contract's.
    """
    del temp  # nothing is turned into anything
    with opened(path) as source:
        _check_schema(_schema(source), contract, sequence)
        yield by_descriptor(source, path)


def _check_schema(fields: list[_Field], contract: Contract, sequence: int) -> None:
    due = names_due(contract.columns, sequence)
    check_names([f.name for f in fields], due)
    for found, column, name in zip(fields, contract.columns, due, strict=True):
        allowed = _DUE["VARCHAR" if column.is_identity else column.sql_type.split("(")[0]]
        if found.family not in (*allowed, _NOTHING):
            raise DeliveryRefused(
                "file.column_type",
                f"the file has {found.family} where {' or '.join(allowed)} is due;"
                " ask the sender for the agreed type",
                column=name,
            )


def _schema(source: BinaryIO | io.BytesIO) -> list[_Field]:
    """The columns of a Parquet file, a nested one as one of another type."""
    try:
        file = pq.ParquetFile(source)
        names = file.schema_arrow.names
        leaves = [file.schema.column(i) for i in range(len(file.schema))]
    except _UNREADABLE:
        raise _no_parquet() from None
    flat = {leaf.path: leaf for leaf in leaves if leaf.max_repetition_level == 0}
    return [_field(name, flat.get(name)) for name in names]


def _field(name: str, leaf: Any) -> _Field:  # noqa: ANN401 - pyarrow has no types
    if leaf is None or leaf.max_definition_level > 1:
        return _Field(name, _OTHER, has_zone=False)
    logical = leaf.logical_type.type
    by_physical = _BY_PHYSICAL_TYPE.get(leaf.physical_type, _OTHER)
    family = by_physical if logical == "NONE" else _BY_LOGICAL_TYPE.get(logical, _OTHER)
    zone = family == _MOMENT and json.loads(leaf.logical_type.to_json())["isAdjustedToUTC"]
    return _Field(name, family, has_zone=bool(zone))


def _no_parquet() -> DeliveryRefused:
    return DeliveryRefused(
        "file.format", "the file is no Parquet, or is damaged; ask the sender for a whole file"
    )


def relation(path: Path, contract: Contract, sequence: int) -> Relation:
    """The rows in the order of the file; `is_broken` is true where a text has a NUL character."""
    del sequence  # the names were compared, and columns go by their place
    with opened(path) as source:
        fields = _schema(source)
    places = range(len(fields))
    texts = [_text(f"field_{i}", field) for i, field in enumerate(fields)]
    raws = ", ".join(f"{nulled(t, contract.dialect)} as raw_{i}" for i, t in enumerate(texts))
    has_nul = [f"contains(field_{i}, chr(0))" for i in places if fields[i].family == _TEXT]
    return Relation(
        f"(select {raws}, coalesce({' or '.join(has_nul) or 'false'}, false) as is_broken"
        f" from read_parquet({literal(str(path))}, hive_partitioning = false, filename = false)"
        f" as file({', '.join(f'field_{i}' for i in places)}))",
        in_utc=_in_utc(fields, contract.columns),
    )


def _in_utc(fields: list[_Field], columns: tuple[Column, ...]) -> frozenset[str]:
    return frozenset(c.name for f, c in zip(fields, columns, strict=True) if f.has_zone)


def _text(value: str, field: _Field) -> str:
    """SQL for a value as text: ISO dates, decimal point, true and false."""
    text = f"cast({value} as varchar)"
    if field.family == _TEXT:
        return value
    if field.family == _DECIMAL:
        # The file's scale is a matter of its type: 12.50 is 12.5.
        return (
            f"case when contains({text}, '.') then rtrim(rtrim({text}, '0'), '.') else {text} end"
        )
    if field.has_zone:
        # Not by the session's zone, nor its calendar.
        return f"cast(make_timestamp(epoch_us({value})) as varchar)"
    return text


def check_count(path: Path, contract: Contract, record_count: int) -> None:
    """See that every row that the file speaks of was read.

    Raises:
        DeliveryRefused: one was not.
    """
    del contract
    with opened(path) as source:
        if pq.ParquetFile(source).metadata.num_rows != record_count:
            raise _no_parquet()


def refusal(
    path: Path, contract: Contract, message: str, *, is_content: bool
) -> DeliveryRefused | None:
    """A damaged file: DuckDB does not always know that it is one, so pyarrow is asked as well."""
    del contract, message
    return _no_parquet() if is_content or not _can_be_read(path) else None


def _can_be_read(path: Path) -> bool:
    try:
        with pq.ParquetFile(path, page_checksum_verification=True) as file:
            for _ in file.iter_batches():
                pass
    except _UNREADABLE:
        return False
    return True


def record(data: bytes, contract: Contract, number: int) -> dict[str, str] | None:
    """A row's values as text, under the contract's names; empty where there is none."""
    file = pq.ParquetFile(io.BytesIO(data))
    names = [c.source_name for c in contract.columns]
    before = 0
    for group in range(file.num_row_groups):
        count = file.metadata.row_group(group).num_rows
        if before < number <= before + count:
            row = file.read_row_group(group).slice(number - before - 1, 1)
            values = [column[0].as_py() for column in row.columns]
            return dict(zip(names, map(_shown, values), strict=True))
        before += count
    return None


def _shown(value: object) -> str:
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case datetime():
            return value.isoformat(sep=" ")
        case _:
            return str(value)


def rewritten(data: bytes, contract: Contract, edit: Edit) -> bytes:
    """The table written anew, where a row has changed; emptied values are NULL."""
    table = pq.read_table(pa.BufferReader(data))
    names = [c.source_name for c in contract.columns]
    columns = [column.to_pylist() for column in table.columns]
    is_changed = False
    for place, values in enumerate(zip(*columns, strict=True)):
        fields = dict(zip(names, map(_shown, values), strict=True))
        new = edit(place + 1, fields)
        for column, name in zip(columns, names, strict=True):
            if new is not None and new[name] != fields[name]:
                column[place], is_changed = None, True
    if not is_changed:
        return data
    schema = pa.schema([field.with_nullable(True) for field in table.schema])
    sink = pa.BufferOutputStream()
    pq.write_table(pa.table(columns, schema=schema), sink)
    return bytes(sink.getvalue())
