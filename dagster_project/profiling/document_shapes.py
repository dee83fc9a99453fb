"""NDJSON, JSON documents, workbooks and Parquet files of a stranger: fields and their types.

Here: where the records are and what fields they have, over the whole file. Not here: text
(`delimited_shape`), or what the values are like (`measures`).
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Iterable, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from openpyxl import load_workbook

from dagster_project.contracts.model import Dialect, FileFormat
from dagster_project.errors import DeliveryRefused
from dagster_project.lake.connection import Lake
from dagster_project.profiling.encodings import encoding_of
from dagster_project.profiling.shapes import Field, Shape
from dagster_project.sources.json_documents import MAX_DOCUMENT_BYTES
from dagster_project.sources.text import MAX_LINE_BYTES
from dagster_project.sql_text import literal

_HEADER_ROWS_LOOKED_AT = 40
_DEEPEST = 4
_NUMBERS = {"BIGINT", "UBIGINT", "DOUBLE"}


def is_one_document(path: Path) -> bool:
    """Whether a file that begins with a brace is one JSON document rather than a record a line."""
    with path.open("rb") as file:
        first = file.readline(MAX_LINE_BYTES).removeprefix(b"\xef\xbb\xbf")
        more = file.read(1)
    try:
        found = json.loads(first)
    except ValueError:
        return True
    is_whole = isinstance(found, dict) and not more
    return is_whole and any(_are_records(value) for value in found.values())


def _are_records(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) for v in value)


def shape_of_lines(path: Path, lake: Lake) -> Shape:
    """NDJSON: every field that any line has.

    Raises:
        DeliveryRefused: no line is a JSON object, or the encoding is none that is known.
    """
    encoding = encoding_of(path)
    relation = (
        f"read_csv({literal(str(path))}, auto_detect = false, header = false,"
        " columns = {'line': 'VARCHAR'}, delim = '\x1f', quote = '', escape = '',"
        f" strict_mode = true, max_line_size = {MAX_LINE_BYTES})"
    )
    fields = _fields_of(lake, relation) if encoding.name.startswith("utf-8") else []
    if not fields:
        raise DeliveryRefused(
            "file.format",
            "no line is a JSON object in UTF-8; ask the sender for NDJSON, one object a line",
        )
    with path.open("rb") as file:
        file.seek(-1, 2)
        final_newline = file.read(1) == b"\n"
    return Shape(
        Dialect(FileFormat.NDJSON, encoding=encoding.name),
        tuple(fields),
        final_newline=final_newline,
        notes=(f"{encoding.name}: {encoding.evidence}.",),
    )


def shape_of_document(path: Path, lake: Lake) -> Shape:
    """JSON: the longest array of objects, and every field that any of them has.

    Raises:
        DeliveryRefused: no JSON, or no array of objects within it.
    """
    with path.open("rb") as file:
        data = file.read(MAX_DOCUMENT_BYTES + 1)
    try:
        document = json.loads(data[:MAX_DOCUMENT_BYTES].decode("utf-8"))
    except (ValueError, RecursionError):
        raise DeliveryRefused(
            "file.format",
            "the file is not a JSON document in UTF-8, is cut off, or is larger than"
            f" {MAX_DOCUMENT_BYTES} bytes; ask the sender for NDJSON or a whole file",
        ) from None
    found = max(_arrays(document, ""), key=lambda a: len(a[1]), default=("", []))
    if not found[1]:
        raise DeliveryRefused(
            "file.records", "the document holds no array of objects; ask the sender what it is"
        )
    pointer, records = found
    lake.execute("create or replace temp table json_line (line varchar)")
    lines = (json.dumps(record) for record in records)
    while some := list(islice(lines, 10_000)):
        lake.execute("insert into json_line select unnest(cast(? as varchar[]))", [some])
    fields = _fields_of(lake, "json_line")
    lake.execute("drop table json_line")
    return Shape(
        Dialect(
            FileFormat.JSON,
            records=pointer,
            true_values=("true",),
            false_values=("false",),
        ),
        tuple(fields),
        notes=(f"The longest array of objects is at '{pointer}': {len(records)} records.",),
    )


def _arrays(value: object, pointer: str, depth: int = 0) -> Iterator[tuple[str, list[Any]]]:
    if isinstance(value, list) and _are_records(value):
        yield pointer, value
    if isinstance(value, dict) and depth < _DEEPEST:
        for name, item in value.items():
            yield from _arrays(item, f"{pointer}/{_escaped(name)}", depth + 1)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _fields_of(lake: Lake, relation: str) -> list[Field]:
    """Fields of the records, objects within them opened; of an array the first item."""
    lake.execute(
        "create or replace temp view sound_line as select line from"
        f" {relation} where json_valid(line) and json_type(line) = 'OBJECT'"
    )
    fields = list(_below(lake, "", 0))
    lake.execute("drop view sound_line")
    return fields


def _below(lake: Lake, pointer: str, depth: int) -> Iterator[Field]:
    """Fields below a pointer; the types of each are of all lines."""
    rows = lake.rows(
        "select key, list(distinct kind), min(first) from ("
        " select key, json_type(inner_value, '/' || replace(replace(key, '~', '~0'), '/', '~1'))"
        " as kind, place as first from ("
        f" select json_extract(line, {literal(pointer)}) as inner_value,"
        f" unnest(json_keys(line, {literal(pointer)})) as key,"
        f" generate_subscripts(json_keys(line, {literal(pointer)}), 1) as place"
        " from sound_line)) group by key order by min(first), key"
        if pointer
        else "select key, list(distinct kind), min(first) from ("
        " select key, json_type(line, '/' || replace(replace(key, '~', '~0'), '/', '~1'))"
        " as kind, place as first from ("
        " select line, unnest(json_keys(line)) as key,"
        " generate_subscripts(json_keys(line), 1) as place"
        " from sound_line)) group by key order by min(first), key"
    )
    for key, kinds, _ in rows:
        yield from _field(lake, f"{pointer}/{_escaped(key)}", set(kinds) - {"NULL"}, depth)


def _field(lake: Lake, pointer: str, kinds: set[str], depth: int) -> Iterator[Field]:
    if kinds == {"OBJECT"} and depth < _DEEPEST:
        yield from _below(lake, pointer, depth + 1)
        return
    name = pointer[1:] if pointer.count("/") == 1 and "~" not in pointer else pointer
    if kinds == {"ARRAY"}:
        first = lake.rows(
            f"select distinct json_type(line, {literal(pointer + '/0')}) from sound_line"
        )
        inner = {kind for (kind,) in first if kind} - {"NULL"}
        note = "A list: only its first item is taken."
        yield Field(f"{pointer}/0", _allowed(inner), note)
        return
    yield Field(name, _allowed(kinds))


def _allowed(kinds: set[str]) -> tuple[str, ...]:
    """Types of the contract that take JSON of these types; `VARCHAR` first where text may be."""
    if not kinds or kinds == {"VARCHAR"}:
        return ()
    if kinds <= _NUMBERS:
        return ("BIGINT", "DECIMAL", "DOUBLE")
    if kinds <= _NUMBERS | {"VARCHAR"}:
        return ("BIGINT", "DECIMAL", "DOUBLE", "VARCHAR")
    return ("BOOLEAN",) if kinds <= {"BOOLEAN"} else ("VARCHAR",)


def shape_of_parquet(path: Path) -> Shape:
    """Parquet: names and types as the file states them.

    Raises:
        DeliveryRefused: no Parquet, or damaged.
    """
    try:
        schema = pq.read_schema(path)
    except (pa.ArrowException, OSError, ValueError):
        raise DeliveryRefused(
            "file.format", "the file is no Parquet, or is damaged; ask the sender for a whole file"
        ) from None
    fields = tuple(Field(f.name, (_parquet_type(f.type),)) for f in schema)
    nested = [i for i, f in enumerate(schema, start=1) if pa.types.is_nested(f.type)]
    if nested:
        raise DeliveryRefused(
            "file.column_type",
            f"column {nested[0]} is nested; ask the sender for a flat table",
        )
    return Shape(
        Dialect(FileFormat.PARQUET, true_values=("true",), false_values=("false",)), fields
    )


def _parquet_type(kind: Any) -> str:  # noqa: ANN401 - pyarrow has no types
    types = pa.types
    if types.is_boolean(kind):
        return "BOOLEAN"
    if types.is_integer(kind):
        return "BIGINT"
    if types.is_decimal(kind):
        return f"DECIMAL({kind.precision},{max(kind.scale, 0)})"
    if types.is_floating(kind):
        return "DOUBLE"
    if types.is_date(kind):
        return "DATE"
    return "TIMESTAMP" if types.is_timestamp(kind) else "VARCHAR"


def shape_of_workbook(path: Path) -> Shape:
    """XLSX: the first sheet that has a header with records below it.

    Raises:
        DeliveryRefused: no workbook, or no sheet with a table.
    """
    for name, rows in _sheets(path):
        for number, cells in rows:
            names = _headings(cells)
            if names:
                return Shape(
                    Dialect(
                        FileFormat.XLSX,
                        sheet=name,
                        header_line=number,
                        true_values=("true",),
                        false_values=("false",),
                    ),
                    # Of numbers the 15 digits count that Excel shows.
                    tuple(Field(heading) for heading in names),
                    notes=(f"The first table is on sheet '{name}', its header in row {number}.",),
                )
    raise DeliveryRefused(
        "file.header", "no sheet has a row of headings above records; ask the sender for one"
    )


def _sheets(path: Path) -> Iterator[tuple[str, list[tuple[int, tuple[Any, ...]]]]]:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # openpyxl may quote a cell
        try:
            book = load_workbook(path, read_only=True, data_only=True, keep_links=False)
        except Exception:
            raise DeliveryRefused(
                "file.format",
                "the file is no Excel workbook (xlsx), is encrypted, or is damaged;"
                " ask the sender for a sound one without password",
            ) from None
        with closing(book):
            for sheet in book.worksheets:
                sheet.reset_dimensions()
                rows: Iterable[Any] = islice(
                    sheet.iter_rows(values_only=True), _HEADER_ROWS_LOOKED_AT
                )
                yield sheet.title, list(enumerate(rows, start=1))


def _headings(cells: tuple[Any, ...]) -> list[str]:
    """Headings in a row of a sheet; none where it is a title, a record or empty."""
    filled = list(cells)
    while filled and filled[-1] is None:
        filled.pop()
    is_header = len(filled) > 1 and all(isinstance(c, str) and c.strip() for c in filled)
    return [str(c).strip() for c in filled] if is_header else []
