"""The lake's catalog moved from SQLite to PostgreSQL, snapshots and all; data files stay in place.

Here: the move, in one transaction of the new catalog. Not here: attaching either (`connection`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import duckdb

from dagster_project.errors import SettingsError
from dagster_project.lake.connection import (
    catalog_target,
    load_extensions,
    open_lake,
    without_values,
)
from dagster_project.settings import Settings
from dagster_project.sql_text import literal, quoted


def move_catalog(settings: Settings, target: str) -> Settings:
    """Copy the catalog into an empty PostgreSQL database.

    The old file is left as it is; remove it once the new one serves. Nothing else may write while
    the copy is made.

    Args:
        settings: Of an installation whose catalog is SQLite.
        target: Connection string, as `TIETOALLAS_CATALOG` takes it.

    Returns:
        The settings with the new catalog.

    Raises:
        SettingsError: the catalog is not SQLite, or the database holds a lake already.
        TietoallasError: the copy failed; the old catalog still serves.
    """
    if settings.catalog != "sqlite":
        raise SettingsError("the catalog is in PostgreSQL already; its own tools move it further")
    moved = settings.model_copy(update={"catalog": target})
    with open_lake(settings) as lake:  # nobody else writes meanwhile
        # Rows that stand in the catalog itself become files, for the other one would type them.
        lake.execute("call ducklake_flush_inlined_data('lake')")
        lake.connection.execute("use memory")
        lake.execute("detach lake")
        try:
            with _both(settings, moved) as connection:
                _copy(connection)
        except duckdb.Error as error:
            raise without_values(error, "moving the catalog") from None
        lake.execute(f"attach {literal(catalog_target(settings))} as lake")
    return moved


@contextmanager
def _both(settings: Settings, moved: Settings) -> Iterator[duckdb.DuckDBPyConnection]:
    """Both catalogs as plain databases, `old` and `new`; the new one has its empty tables."""
    with duckdb.connect() as connection:
        load_extensions(connection, ("ducklake", "sqlite_scanner", "postgres_scanner"))
        data = literal(str(settings.lake / "data"))
        connection.execute(f"attach {literal(catalog_target(moved))} as lake (data_path {data})")
        used = connection.execute("select count(*) from ducklake_snapshots('lake')").fetchone()
        connection.execute("detach lake")
        if used != (1,):
            raise SettingsError(
                "the PostgreSQL database holds a lake already; name an empty one, so that nothing"
                " is written over"
            )
        file = literal(str(settings.lake / "catalog.sqlite"))
        connection.execute(f"attach {file} as old (type sqlite, read_only)")
        connection.execute(f"attach {literal(moved.catalog)} as new (type postgres)")
        yield connection


def _copy(connection: duckdb.DuckDBPyConnection) -> None:
    tables = _columns(connection, "old")
    known = _columns(connection, "new")
    connection.execute("begin transaction")
    for table, columns in sorted(tables.items()):
        name = quoted(table)
        if table not in known:
            connection.execute(f"create table new.public.{name} as from old.main.{name} limit 0")
        else:
            connection.execute(f"delete from new.public.{name}")
        listed = ", ".join(quoted(column) for column in columns)
        connection.execute(
            f"insert into new.public.{name} ({listed}) select {listed} from old.main.{name}"
        )
    connection.execute("commit")


def _columns(connection: duckdb.DuckDBPyConnection, database: str) -> dict[str, list[str]]:
    rows = connection.execute(
        "select table_name, list(column_name order by column_index) from duckdb_columns()"
        " where database_name = ? and table_name like 'ducklake%' group by all",
        [database],
    ).fetchall()
    return dict(rows)
