"""The product on plain DuckDB tables in memory: fast enough for hundreds of whole histories.

The code under test is the product's own (landing, vault, gate, delivery, builds, models); only the
lake format is a stand-in: snapshots are copies of the tables that a build compares with. The same
properties are also held on the real lake, with fewer examples.

Here: the stand-in. Not here: properties.
"""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from unittest import mock

import duckdb

from dagster_project import pipeline
from dagster_project.lake import builds, connection
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import Definition, Session
from dagster_project.settings import Settings
from tests.support.few_tables import few_tables

_AT_SNAPSHOT = re.compile(r"lake\.(core|indicator|mart)\.(\w+) at \(version => (\d+)\)")
_FILES = re.compile(
    r"select data_file, delete_file from ducklake_list_files\('lake', '(\w+)', schema => '(\w+)'"
    r"(?:, snapshot_version => (\d+))?\)"
)


def _rows_for_files(files: re.Match[str]) -> str:
    """Two tables are of the same files where they have the same rows."""
    table, schema, snapshot = files.groups()
    return f'from lake.kept."{snapshot} {schema} {table}"' if snapshot else f"from {schema}.{table}"


@dataclasses.dataclass(frozen=True)
class QuickLake(Lake):
    """A lake whose tables are plain ones."""

    def execute(self, sql: str, values: connection.Values = None) -> duckdb.DuckDBPyConnection:
        """Run one statement, with the lake format's own words put into plain DuckDB's."""
        if " set partitioned by " in sql:
            return self.connection
        plain = _AT_SNAPSHOT.sub(r'lake.kept."\3 \1 \2"', sql)
        plain = _FILES.sub(_rows_for_files, plain)
        plain = plain.replace("ducklake_snapshots('lake')", "lake.kept.snapshot")
        return super().execute(plain, values)

    def snapshot_id(self) -> int:
        """Keep a copy of every model's table, under the next number."""
        number = self.count("select count(*) + 1 from lake.kept.snapshot")
        self.execute(f"insert into lake.kept.snapshot values ({number})")
        tables = self.rows(
            "select schema_name, table_name from duckdb_tables()"
            " where database_name = 'lake' and schema_name in ('core', 'indicator', 'mart')"
        )
        for schema, table in tables:
            self.execute(
                f'create table lake.kept."{number} {schema} {table}" as from lake.{schema}.{table}'
            )
        return number


@contextmanager
def _open_quick(settings: Settings) -> Iterator[Lake]:
    connection.prepare_home(settings)
    plain = duckdb.connect(
        config={"threads": 1, "temp_file_encryption": True, **connection.READ_ANEW}
    )
    try:
        plain.execute("set timezone = 'UTC'")
        connection.load_extensions(plain, ("httpfs",))
        plain.execute("attach ':memory:' as lake")
        for schema in (*connection._SCHEMAS, "kept"):
            plain.execute(f"create schema lake.{schema}")
        for schema in connection._VIEW_SCHEMAS:
            plain.execute(f"create schema memory.{schema}")
        plain.execute("create table lake.kept.snapshot (snapshot_id bigint)")
        paths = [f"lake.{s}" for s in connection._SCHEMAS]
        paths += [f"memory.{s}" for s in ("main", *connection._VIEW_SCHEMAS)]
        plain.execute(f"set search_path = '{','.join(paths)}'")
        yield QuickLake(plain, settings)
    finally:
        plain.close()


@contextmanager
def quick_home(settings: Settings, definition: Definition | None = None) -> Iterator[Session]:
    """An open session over a quick lake.

    Of few tables unless told otherwise, without the mart that is about deliveries, not their rows.
    """
    definition = definition or few_tables(without="mart.data_quality")
    with (
        mock.patch.object(pipeline, "open_lake", _open_quick),
        pipeline.open_session(settings, definition=definition) as session,
    ):
        yield session


def quick_build(session: Session) -> list[builds.Built]:
    """Build every model and call it green, without the checks."""
    pipeline.hide_places(session)
    graph = session.definition.graph
    built = [builds.build_model(session.lake, graph, m, session.run) for m in graph.models]
    builds.record_green(session.lake, graph, session.run)
    return built


def empty(folder: Path) -> None:
    """Remove the files a session left in a home's landing folder."""
    for path in folder.rglob("*"):
        if path.is_file():
            path.unlink()
