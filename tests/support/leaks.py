"""Whether what is said or kept holds anything of what a file told about persons.

Here: searching messages and the register. Not here: files on disk (the privacy tests).
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from dagster_project.contracts.model import Contract
from dagster_project.lake.connection import Lake

_WORD = re.compile(r"[^\s;,\"{}\[\]]{6,40}")
"""Long enough not to be in a message by chance."""


def leaked(messages: Iterable[str], data: bytes, contract: Contract) -> set[str]:
    """Words of a file that messages hold, parts of the contract's own headings left out."""
    headings = "\n".join(c.source_name for c in contract.columns)
    said = "\n".join(messages)
    words = set(_WORD.findall(data.decode("iso-8859-1")))
    return {word for word in words if word in said and word not in headings}


def register_text(lake: Lake) -> str:
    """Everything that the register (`ops`) holds, as one text."""
    tables = lake.rows(
        "select distinct table_name from duckdb_columns()"
        " where database_name = 'lake' and schema_name = 'ops'"
    )
    return "\n".join(str(lake.rows(f"from lake.ops.{name}")) for (name,) in tables)
