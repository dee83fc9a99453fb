"""One writer's connection to the lake, and the limits it works under.

Here: extensions, attach, temp space, the writer lock, transactions. Not here: what tables there are
(`ddl`) or what goes into them (`gate`, `delivery`, `builds`).
"""

from __future__ import annotations

import errno
import fcntl
import importlib.util
import os
import re
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import SettingsError, TietoallasError
from dagster_project.settings import Settings
from dagster_project.sql_text import literal, quoted

_EXTENSIONS = ("ducklake", "sqlite_scanner", "httpfs")
_SCHEMAS = ("staging", "core", "indicator", "mart", "ops", "ledger", "risk")
_VIEW_SCHEMAS = (
    *("effective", "current", "changed", "kept"),
    *("rulebook", "coded", "settle", "release", "shelf", "omop"),
)
_GIB = 1024**3
Values = list[Any] | dict[str, Any] | None
"""Bound in order, or by the name of a `$name`."""
_DISK_ERRORS = "disk I/O error|database or disk is full|No space left on device"
_NO_ROOM = {errno.ENOSPC, errno.EDQUOT, errno.EFBIG}


def without_values(error: duckdb.Error, doing: str) -> TietoallasError:
    """DuckDB's error in words of ours: its own may quote a row, hence a person."""
    if isinstance(error, duckdb.OutOfMemoryException):
        return SettingsError(
            f"{doing} does not fit memory and the disk has no room to spill;"
            " free room, or raise TIETOALLAS_MEMORY_LIMIT_GIB"
        )
    # What the catalog's SQLite says of its disk comes as a plain error; its text holds no row.
    if isinstance(error, duckdb.OperationalError) or re.search(_DISK_ERRORS, str(error)):
        return SettingsError(
            f"{doing} failed, as when the disk is full or cannot be written"
            f" ({type(error).__name__}); nothing of it stands: free room, then run again"
        )
    return TietoallasError(f"{doing} failed ({type(error).__name__}). This is a defect: report it")


@dataclass(frozen=True)
class Lake:
    """An open lake: one DuckDB connection with the catalog attached as `lake`.

    Two-part names (`staging.residents`, `current.encounters`, `core.person`) resolve by search
    path; `effective`, `current` and `changed` are views of this connection only (see `views`).
    """

    connection: duckdb.DuckDBPyConnection
    settings: Settings

    def execute(self, sql: str, values: Values = None) -> duckdb.DuckDBPyConnection:
        """Run one statement with bound values."""
        return self.connection.execute(sql, values) if values else self.connection.execute(sql)

    def rows(self, sql: str, values: Values = None) -> list[tuple[Any, ...]]:
        """All rows of a query."""
        return self.execute(sql, values).fetchall()

    def value(self, sql: str, values: Values = None) -> Any:  # noqa: ANN401 - a cell
        """The first column of the only row of a query."""
        row = self.execute(sql, values).fetchone()
        return row[0] if row else None

    def count(self, sql: str, values: Values = None) -> int:
        """A count, from a query of one row and column."""
        return int(self.value(sql, values) or 0)

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """One lake transaction: committed whole, or rolled back whole when the block raises."""
        self.execute("begin transaction")
        try:
            yield
        except BaseException:
            self.execute("rollback")
            raise
        self.execute("commit")

    @contextmanager
    def in_memory(self, schema: str, tables: Sequence[str]) -> Iterator[None]:
        """Have `<schema>.<table>` mean a copy in memory, for as long as nobody writes to them."""
        path = self.value("select current_setting('search_path')")
        self.execute(f"create schema memory.{schema}")
        try:
            for table in tables:
                name = f"{schema}.{quoted(table)}"
                self.execute(f"create table memory.{name} as from lake.{name}")
            self.execute(f"set search_path = {literal(f'memory.{schema},{path}')}")
            yield
        finally:
            self.execute(f"set search_path = {literal(path)}")
            self.execute(f"drop schema memory.{schema} cascade")

    @contextmanager
    def threads(self, count: int) -> Iterator[None]:
        """Have each statement of the instance use that many threads, for a while."""
        self.execute(f"set threads = {count}")
        try:
            yield
        finally:
            self.execute(f"set threads = {self.settings.worker_threads}")

    def beside(self) -> Lake:
        """Another connection to the same database, for work in another thread; close it there.

        It shares tables in memory and the instance's settings, not temp tables or the search path.
        """
        cursor = self.connection.cursor()
        cursor.execute("set timezone = 'UTC'")
        cursor.execute("set enable_progress_bar = false")
        return Lake(cursor, self.settings)

    def snapshot_id(self) -> int:
        """The newest committed snapshot of the lake."""
        return self.count("select max(snapshot_id) from ducklake_snapshots('lake')")

    def has_table(self, schema: str, table: str) -> bool:
        """Whether the lake holds a table or view of that name."""
        return bool(
            self.count(
                "select count(*) from duckdb_columns() "
                "where database_name = 'lake' and schema_name = ? and table_name = ?",
                [schema, table],
            )
        )


READ_ANEW = {"enable_external_file_cache": False}
"""Of any connection that reads deliveries. The cache knows files by name and second; deliveries are
read by descriptor, and the next one may have the same: it would be answered from the one before."""


@contextmanager
def open_lake(settings: Settings) -> Iterator[Lake]:
    """Open the lake for writing; one writer at a time.

    Raises:
        SettingsError: another run is writing, or the disk has too little room, now or while it is
            open.
        TietoallasError: the database fails by itself while the lake is open.
    """
    prepare_home(settings)
    with _writer_lock(settings.lake / "writer.lock"):
        empty_directory(settings.temp)
        connection = _connect(settings)
        try:
            lake = Lake(connection=connection, settings=settings)
            _attach(lake)
            yield lake
        except duckdb.Error as error:
            raise without_values(error, "the step in hand") from None
        except OSError as error:
            if error.errno not in _NO_ROOM:
                raise
            raise SettingsError(
                "the disk is full; what stood before still stands:"
                " free room where TIETOALLAS_HOME is, then run again"
            ) from None
        finally:
            connection.close()
            _narrow_catalog(settings.lake)


def prepare_home(settings: Settings) -> None:
    """Make the home's directories, narrow, and see that there is room to work.

    Raises:
        SettingsError: the home cannot be written, or the disk has too little room.
    """
    try:
        for path in (settings.home, settings.landing, settings.published, settings.dagster_home):
            path.mkdir(parents=True, exist_ok=True)
        for path in (settings.vault, settings.lake, settings.temp):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)
            path.chmod(0o700)
    except OSError as error:
        raise SettingsError(
            f"TIETOALLAS_HOME cannot be written ({error.strerror}); choose another folder"
        ) from None
    free = shutil.disk_usage(settings.home).free
    if free < settings.min_free_disk_gib * _GIB:
        raise SettingsError(
            f"only {free / _GIB:.1f} GiB free where TIETOALLAS_HOME is and"
            f" {settings.min_free_disk_gib} GiB are due; free room,"
            " or lower TIETOALLAS_MIN_FREE_DISK_GIB"
        )


def empty_directory(path: Path) -> None:
    """Remove what an interrupted run left in the temp directory."""
    for entry in path.iterdir():
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def load_extensions(
    connection: duckdb.DuckDBPyConnection, names: tuple[str, ...] = _EXTENSIONS
) -> None:
    """Load DuckDB extensions from their installed wheels; DuckDB checks their signatures.

    Raises:
        SettingsError: a wheel is missing, or is of another DuckDB version.
    """
    version = duckdb.__version__
    for name in names:
        spec = importlib.util.find_spec(f"duckdb_extension_{name}")
        location = Path((spec.origin if spec else None) or "").parent
        file = location / "extensions" / f"v{version}" / f"{name}.duckdb_extension"
        if not file.exists():
            raise SettingsError(
                f"the DuckDB extension {name} for DuckDB {version} is not installed;"
                " install the project from requirements.lock"
            )
        connection.execute(f"load {literal(str(file))}")


@contextmanager
def open_scratch(settings: Settings) -> Iterator[Lake]:
    """A database that is on no disk and holds no lake: what does not fit memory spills, encrypted.

    Raises:
        TietoallasError: the database fails by itself while it is open.
    """
    with tempfile.TemporaryDirectory(prefix="tietoallas-") as folder:
        free = shutil.disk_usage(folder).free
        connection = _configured(settings, _spilling_to(Path(folder), free), ("httpfs",))
        try:
            yield Lake(connection, settings.model_copy(update={"home": Path(folder)}))
        except duckdb.Error as error:
            raise without_values(error, "the step in hand") from None
        finally:
            connection.close()


def _connect(settings: Settings) -> duckdb.DuckDBPyConnection:
    free = shutil.disk_usage(settings.home).free
    connection = _configured(settings, _spilling_to(settings.temp, free), _EXTENSIONS)
    if settings.catalog != "sqlite":
        load_extensions(connection, ("postgres_scanner",))
    return connection


def _spilling_to(folder: Path, free: int) -> dict[str, Any]:
    return {
        "temp_directory": str(folder),
        "temp_file_encryption": True,
        "max_temp_directory_size": f"{int(free * 0.8)}B",
    }


def _configured(
    settings: Settings, extra: dict[str, Any], extensions: tuple[str, ...]
) -> duckdb.DuckDBPyConnection:
    connection = duckdb.connect(
        config={
            "threads": settings.worker_threads,
            "memory_limit": f"{settings.memory_limit_bytes}B",
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
            **READ_ANEW,
            **extra,
        }
    )
    connection.execute("set timezone = 'UTC'")
    connection.execute("set enable_progress_bar = false")
    # It makes a join of a long `in (…)`, and joined rows come out in any order: record numbers are
    # the order of the rows that the gate reads.
    connection.execute("set disabled_optimizers = 'in_clause'")
    load_extensions(connection, extensions)
    return connection


def _attach(lake: Lake) -> None:
    """Attach the catalog as `lake`, make its schemas, and let two-part names resolve."""
    settings = lake.settings
    data_path = settings.lake / "data"
    data_path.mkdir(mode=0o700, exist_ok=True)
    journal = (
        ", meta_journal_mode 'WAL', meta_busy_timeout 60000" if settings.catalog == "sqlite" else ""
    )
    lake.execute(
        f"attach {literal(catalog_target(settings))} as lake (data_path {literal(str(data_path))},"
        f" override_data_path true, data_inlining_row_limit 0{journal})"
    )
    for schema in _SCHEMAS:
        lake.execute(f"create schema if not exists lake.{schema}")
    for schema in _VIEW_SCHEMAS:
        lake.execute(f"create schema if not exists memory.{schema}")
    paths = [f"lake.{s}" for s in _SCHEMAS] + [f"memory.{s}" for s in ("main", *_VIEW_SCHEMAS)]
    lake.execute(f"set search_path = {literal(','.join(paths))}")
    _compress(lake)
    # The register's rows are few, small and hold no person: they stay in the catalog.
    lake.execute("call lake.set_option('data_inlining_row_limit', 1000, schema => 'ops')")


def _compress(lake: Lake) -> None:
    """Write LZ4: a tenth less processor time than zstd, a third less to read, files 18 % larger.

    A lake that was begun with a level of zstd keeps to it, for a level cannot be taken back.
    """
    level = "select count(*) from lake.options() where option_name = 'parquet_compression_level'"
    if not lake.count(level):
        lake.execute("call lake.set_option('parquet_compression', 'lz4_raw')")


def catalog_target(settings: Settings) -> str:
    """What DuckLake attaches: the catalog's file or database."""
    if settings.catalog == "sqlite":
        return f"ducklake:sqlite:{settings.lake / 'catalog.sqlite'}"
    # DuckLake's retry reads PostgreSQL's English messages (ducklake issue 1311).
    return f"ducklake:postgres:{settings.catalog} options='-c lc_messages=C'"


@contextmanager
def _writer_lock(path: Path) -> Iterator[None]:
    handle = os.open(path, os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(handle)
        raise SettingsError(
            "another run is writing to this lake; wait for it to end, then run again"
        ) from None
    try:
        yield
    finally:
        os.close(handle)


def _narrow_catalog(directory: Path) -> None:
    for file in directory.glob("catalog.sqlite*"):
        file.chmod(0o600)
