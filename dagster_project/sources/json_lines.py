"""NDJSON: one JSON object per line; a broken line is one bad record, not a bad file.

Here: lines to text columns. Not here: casts and rules.
"""

from __future__ import annotations

from pathlib import Path

from dagster_project.contracts.model import Column, Contract, Dialect
from dagster_project.sources.delimited import BUFFER_BYTES
from dagster_project.sources.text import MAX_LINE_BYTES
from dagster_project.sql_text import literal

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


def relation(path: Path, contract: Contract, sequence: int) -> str:
    """SQL that reads the lines as text columns `raw_0 … raw_n` and `is_broken`, in file order.

    `is_broken` is true where a line is not a JSON object, has a field twice or one that the
    contract does not know, or a value with a NUL character or of another JSON type than the
    column's (a string always will do). A field that is left out is NULL.
    """
    del sequence  # field names do not depend on it
    names = [c.source_name for c in contract.columns]
    pointers = ", ".join(literal("/" + n.replace("~", "~0").replace("/", "~1")) for n in names)
    known = ", ".join(literal(n) for n in names)
    dialect = contract.dialect
    fields = ", ".join(
        f"{_nulled(f'fields[{i + 1}]', dialect)} as raw_{i}" for i in range(len(names))
    )
    wrong_types = " or ".join(_wrong_type(i, c) for i, c in enumerate(contract.columns, start=1))
    return (
        f"(select {fields}, sound is null or len(list_distinct(keys)) < len(keys)"
        f" or len(list_filter(keys, lambda k: k not in ({known}))) > 0"
        f" or len(list_filter(fields, lambda v: contains(v, chr(0)))) > 0"
        f" or {wrong_types} as is_broken"
        f" from (select sound, json_keys(sound) as keys, json_type(sound, [{pointers}]) as types,"
        f" json_extract_string(sound, [{pointers}]) as fields from (select"
        " case when json_valid(line) and json_type(line) = 'OBJECT' then line end as sound"
        f" from {_lines(path)})))"
    )


def _nulled(text: str, dialect: Dialect) -> str:
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
    kind = column.sql_type.split("(")[0]
    allowed = ("VARCHAR", "NULL", *_JSON_TYPES.get("" if column.is_identity else kind, ()))
    return f"coalesce(types[{position}] not in ({', '.join(map(literal, allowed))}), false)"
