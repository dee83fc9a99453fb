"""NDJSON: one JSON object per line; a broken line is one bad record, not a bad file.

Here: lines to text columns. Not here: casts and rules.
"""

from __future__ import annotations

from pathlib import Path

from dagster_project.contracts.model import Contract
from dagster_project.lake.connection import literal
from dagster_project.sources.delimited import MAX_LINE_BYTES

# A character that JSON text may not hold unescaped, so no line is ever split.
_NO_DELIMITER = "\x1f"


def relation(path: Path, contract: Contract, sequence: int) -> str:
    """SQL that reads the lines as text columns `raw_0 … raw_n` and `is_broken`, in file order.

    `is_broken` is true where a line is not a JSON object or has a field the contract does not know.
    A field that is an object or array comes out as its JSON text, which no cast accepts.
    """
    del sequence  # field names do not depend on it
    names = [c.source_name for c in contract.columns]
    pointers = ", ".join(literal("/" + n.replace("~", "~0").replace("/", "~1")) for n in names)
    known = ", ".join(literal(n) for n in names)
    fields = ", ".join(f"fields[{i + 1}] as raw_{i}" for i in range(len(names)))
    lines = (
        f"read_csv({literal(str(path))}, auto_detect = false, header = false,"
        f" columns = {{'line': 'VARCHAR'}}, delim = {literal(_NO_DELIMITER)}, quote = '',"
        f" escape = '', strict_mode = true, max_line_size = {MAX_LINE_BYTES},"
        f" buffer_size = {4 * MAX_LINE_BYTES})"
    )
    return (
        f"(select {fields}, is_broken from (select"
        f" json_extract_string(sound, [{pointers}]) as fields,"
        f" sound is null or len(list_filter(json_keys(sound), lambda k: k not in ({known}))) > 0"
        " as is_broken from (select case when json_valid(line) and json_type(line) = 'OBJECT'"
        f" then line end as sound from {lines})))"
    )
