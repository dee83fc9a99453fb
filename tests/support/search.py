"""Looking for identity codes in everything that an installation wrote.

Here: bytes read in several ways, and the values that Parquet, DuckDB and SQLite files hold packed.
Not here: which codes were planted, where none may be.
"""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path

import duckdb
import pyarrow.parquet as pq

from dagster_project.sql_text import quoted
from dagster_project.vault.identity_codes import CODE_PATTERN
from tests.support.runs import files_under

_CODE = re.compile(f"(?=({CODE_PATTERN}))")
_UUID = re.compile("[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_HEXADECIMAL = re.compile(rb"(?:[0-9a-fA-F]{2}){11,}")


def readings(data: bytes) -> Iterator[str]:
    """The data as text: with the zeros of UTF-16 left out, and with hexadecimal undone."""
    data = data.replace(b"\0", b"")
    yield data.decode("latin-1")
    for match in _HEXADECIMAL.finditer(data):
        for start in (0, 1):
            digits = match.group()[start:]
            undone = bytes.fromhex(digits[: len(digits) // 2 * 2].decode())
            yield undone.replace(b"\0", b"").decode("latin-1")


def codes_readable_in(data: bytes) -> set[str]:
    """Whatever looks like an identity code, in upper case; parts of a UUID do so by chance."""
    texts = (_UUID.sub("", text) for text in readings(data))
    return {match[1].upper() for text in texts for match in _CODE.finditer(text)}


def unpacked(path: Path) -> bytes:
    """Every value in a Parquet, DuckDB or SQLite file as text; nothing of other files.

    Nor of the vault's database, which does not open without its key.
    """
    match path.suffix:
        case ".parquet":
            values = _parquet_values(path)
        case ".duckdb" if path.parent.name != "vault":
            values = _duckdb_values(path)
        case ".sqlite":
            values = _sqlite_values(path)
        case _:
            return b""
    return "\n".join(str(value) for value in values if value is not None).encode()


def _parquet_values(path: Path) -> Iterator[object]:
    for column in pq.ParquetFile(path).read().columns:
        yield from column.to_pylist()


def _duckdb_values(path: Path) -> Iterator[object]:
    with duckdb.connect(str(path), read_only=True) as connection:
        yield from _rows(connection.execute("select sql, comment from duckdb_tables()").fetchall())
        yield from _rows(connection.execute("select comment from duckdb_columns()").fetchall())
        tables = connection.execute("select schema_name, table_name from duckdb_tables()")
        for schema, table in tables.fetchall():
            yield from _rows(
                connection.execute(f"from {quoted(schema)}.{quoted(table)}").fetchall()
            )


def _sqlite_values(path: Path) -> Iterator[object]:
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = connection.execute("select name from sqlite_master where type = 'table'")
        for (table,) in tables.fetchall():
            yield from _rows(connection.execute(f"select * from {quoted(table)}").fetchall())
    finally:
        connection.close()


def _rows(rows: Iterable[tuple[object, ...]]) -> Iterator[object]:
    for row in rows:
        for value in row:
            yield value.decode("latin-1") if isinstance(value, bytes) else value


def found_under(planted: Collection[str], *directories: Path) -> dict[str, int]:
    """How many planted codes can be read in each file, by its path; its name counts as content."""
    due = set(planted)
    found = {
        str(path): len(
            due & codes_readable_in(b"\n".join((path.read_bytes(), unpacked(path), bytes(path))))
        )
        for path in files_under(*directories)
    }
    return {path: count for path, count in found.items() if count}
