"""NDJSON: one JSON object per line; a broken line is one bad record, not a bad file.

Here: lines to text columns. Not here: casts and rules.
"""

from __future__ import annotations

import json
import re
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

from dagster_project.contracts.model import Column, Contract, Dialect
from dagster_project.errors import DeliveryRefused
from dagster_project.sources import faults
from dagster_project.sources.delimited import BUFFER_BYTES
from dagster_project.sources.formats import Edit, Relation
from dagster_project.sources.text import MAX_LINE_BYTES, utf8_text
from dagster_project.sql_text import literal

MAY_BREAK_RECORDS = True

# A character that JSON text may not hold unescaped, so no line is ever split.
_NO_DELIMITER = "\x1f"

_NUMBER = ("BIGINT", "UBIGINT", "DOUBLE")
_JSON_TYPES: dict[str, tuple[str, ...]] = {
    "BIGINT": _NUMBER,
    "INTEGER": _NUMBER,
    "DECIMAL": _NUMBER,
    "DOUBLE": _NUMBER,
    "BOOLEAN": ("BOOLEAN",),
}
"""JSON types of a value besides a string, by the column's type."""


def prepared(
    path: Path, contract: Contract, *, sequence: int, temp: Path
) -> AbstractContextManager[Path]:
    """The file as it lies; see `utf8_text`."""
    del sequence  # there is no header
    return utf8_text(path, contract, temp=temp)


def relation(path: Path, contract: Contract, sequence: int) -> Relation:
    """The lines as records; `is_broken` is true of one that is no record of the contract.

    It is not a JSON object, has a field twice or one that the contract does not know, or a value
    with a NUL character or of another JSON type than the column's (a string always will do). A
    field that is left out is NULL. Where a source name is a JSON pointer, the contract knows the
    whole field that it leads into. One with `*` gives the items' values, parted by commas.
    """
    del sequence  # field names do not depend on it
    names = [c.source_name for c in contract.columns]
    # Where every item is meant, the pointer leads to the array: its type is judged apart.
    pointers = ", ".join(literal(_pointer(n.split("/*")[0])) for n in names)
    known = ", ".join(literal(_field(n)) for n in names)
    fields = ", ".join(
        f"{nulled(_value(i, c), contract.dialect)} as raw_{i}"
        for i, c in enumerate(contract.columns)
    )
    wrong_types = " or ".join(_wrong_type(i, c) for i, c in enumerate(contract.columns, start=1))
    return Relation(
        f"(select {fields}, sound is null or len(list_distinct(keys)) < len(keys)"
        f" or len(list_filter(keys, lambda k: k not in ({known}))) > 0"
        f" or len(list_filter(fields, lambda v: contains(v, chr(0)))) > 0"
        f" or {wrong_types} as is_broken"
        f" from (select sound, json_keys(sound) as keys, json_type(sound, [{pointers}]) as types,"
        f" json_extract_string(sound, [{pointers}]) as fields from (select"
        " case when json_valid(line) and json_type(line) = 'OBJECT' then line end as sound"
        f" from {_lines(path)})))"
    )


def _value(position: int, column: Column) -> str:
    """SQL for a column's text; of no items at all there is none."""
    if not column.is_joined:
        return f"fields[{position + 1}]"
    items = f"json_extract_string(sound, {literal(_path(column.source_name))})"
    return f"nullif(array_to_string({items}, ','), '')"


def _path(name: str) -> str:
    """A pointer with `*` as DuckDB's own path to every item: `/a/*/b` is `$."a"[*]."b"`."""
    steps = name.split("/")[1:]
    return "$" + "".join(
        "[*]" if s == "*" else f"[{s}]" if s.isdigit() else f'."{s}"' for s in steps
    )


def _pointer(name: str) -> str:
    """JSON pointer to what a source name names: a pointer itself, or a field of the record."""
    is_pointer = name.startswith("/")
    return name if is_pointer else "/" + name.replace("~", "~0").replace("/", "~1")


def _field(name: str) -> str:
    """Field of the record that a source name is, or leads into."""
    if not name.startswith("/"):
        return name
    return name.split("/")[1].replace("~1", "/").replace("~0", "~")


def nulled(text: str, dialect: Dialect) -> str:
    """SQL for a text that is NULL where the dialect writes a missing value so."""
    for value in dialect.null_values:
        text = f"nullif({text}, {literal(value)})"
    return text


def _lines(path: Path) -> str:
    return (
        f"read_csv({literal(str(path))}, auto_detect = false, header = false,"
        f" columns = {{'line': 'VARCHAR'}}, delim = {literal(_NO_DELIMITER)}, quote = '',"
        f" escape = '', strict_mode = true, max_line_size = {MAX_LINE_BYTES},"
        f" buffer_size = {BUFFER_BYTES})"
    )


def _wrong_type(position: int, column: Column) -> str:
    if column.is_joined:
        return _wrong_items(position, column.source_name)
    kind = column.sql_type.split("(")[0]
    allowed = ("VARCHAR", "NULL", *_JSON_TYPES.get("" if column.is_identity else kind, ()))
    return f"coalesce(types[{position}] not in ({', '.join(map(literal, allowed))}), false)"


def _wrong_items(position: int, name: str) -> str:
    """What stands before a `*` is an array; an item has its value, a text or number of one word.

    A value with a comma would read as two.
    """
    steps = name.split("/*")
    heads = ["/*".join(steps[:n]) for n in range(2, len(steps))]
    path, items = literal(_path(name)), literal(_path(name[: name.rindex("/*") + 2]))
    inner = [
        f"len(list_filter(json_type(sound, {literal(_path(head))}), lambda t: t <> 'ARRAY')) > 0"
        for head in heads
    ]
    wrong = [
        f"types[{position}] not in ('ARRAY', 'NULL')",
        *inner,
        f"len(list_filter(json_type(sound, {path}), lambda t: t not in"
        " ('VARCHAR', 'BIGINT', 'UBIGINT'))) > 0",
        f"len(json_type(sound, {items})) <> len(json_type(sound, {path}))",
        f"len(list_filter(json_extract_string(sound, {path}),"
        " lambda v: contains(v, ',') or contains(v, chr(0)))) > 0",
    ]
    return " or ".join(f"coalesce({each}, false)" for each in wrong)


def check_count(path: Path, contract: Contract, record_count: int) -> None:
    """Nothing to see: every line is a record."""


def refusal(
    path: Path, contract: Contract, message: str, *, is_content: bool
) -> DeliveryRefused | None:
    """The first fault of the file; see `faults`."""
    return faults.refusal(path, contract, message) if is_content else None


def record(data: bytes, contract: Contract, number: int) -> dict[str, str] | None:
    """A line as sent; an empty one counts, as at the gate, but not what follows the last end."""
    lines = re.split("\r\n|[\r\n]", data.decode(contract.dialect.encoding))
    if not lines[-1]:
        lines.pop()
    return {"line": lines[number - 1]} if 1 <= number <= len(lines) else None


def rewritten(data: bytes, contract: Contract, edit: Edit) -> bytes:
    """Each changed line written anew; all others, and all line ends, byte for byte."""
    parts = re.split("(\r\n|[\r\n])", data.decode(contract.dialect.encoding))
    for number, place in enumerate(range(0, len(parts), 2), start=1):
        is_record = place < len(parts) - 1 or parts[place]
        if is_record:
            parts[place] = rewritten_line(parts[place], number, contract, edit)
    return "".join(parts).encode(contract.dialect.encoding)


def rewritten_line(line: str, number: int, contract: Contract, edit: Edit) -> str:
    """A line after an edit; one that is no JSON object is kept or emptied as a whole."""
    record = _object(line)
    if record is None:
        return line if edit(number, {"line": line}) is None else "{}"
    fields = {c.source_name: _text_at(record, _pointer(c.source_name)) for c in contract.columns}
    new = edit(number, fields)
    if new is None:
        return line
    if not any(new.values()):
        return "{}"
    for name in (name for name, value in new.items() if value != fields[name]):
        _empty(record, _pointer(name))
    return json.dumps(record, ensure_ascii=False)


def _object(line: str) -> dict[str, Any] | None:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return record if isinstance(record, dict) else None


def _text_at(record: dict[str, Any], pointer: str) -> str:
    parent, name = _parent(record, pointer)
    value = parent.get(name)
    return "" if value is None else value if isinstance(value, str) else json.dumps(value)


def _empty(record: dict[str, Any], pointer: str) -> None:
    parent, name = _parent(record, pointer)
    parent[name] = None


def _parent(record: dict[str, Any], pointer: str) -> tuple[dict[str, Any], str]:
    """Object that holds the last step of a pointer, an empty one where the way ends before."""
    *way, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    found: Any = record
    for step in way:
        found = found.get(step) if isinstance(found, dict) else None
    return (found if isinstance(found, dict) else {}), last
