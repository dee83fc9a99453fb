"""Questions to the analysts' database, in process and read-only.

Here: opening it and showing an answer. Not here: which release's (`history`).
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import TietoallasError


def answer(file: Path, query: str) -> Iterator[str]:
    """Answers to a query, or to those that standard input holds, a statement to a line.

    Raises:
        TietoallasError: the file is not there, or a query given as an argument is wrong.
    """
    if not file.exists():
        raise TietoallasError(
            f"{file} is not there: person-level files leave a release when a protection order or"
            " an erasure comes; ask another release, or run `tietoallas run`"
        )
    # Nothing but this file: neither others on the disk, nor the network.
    closed: dict[str, Any] = {"enable_external_access": False, "autoload_known_extensions": False}
    with duckdb.connect(str(file), read_only=True, config=closed) as connection:
        if query:
            yield _answer(connection, query)
            return
        for line in sys.stdin:
            if line.strip():
                try:
                    yield _answer(connection, line)
                except TietoallasError as error:
                    yield f"error: {error}"


def _answer(connection: duckdb.DuckDBPyConnection, query: str) -> str:
    try:
        found = connection.sql(query)
        return "" if found is None else str(found).rstrip()
    except (duckdb.ParserException, duckdb.CatalogException, duckdb.BinderException) as error:
        raise TietoallasError(str(error).strip()) from None
    except duckdb.Error as error:  # its text may quote a row
        raise TietoallasError(f"the query failed ({type(error).__name__})") from None
