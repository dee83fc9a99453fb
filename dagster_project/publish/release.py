"""A release: what readers see, built beside what they read and swapped in one step.

Here: staging, verifying, swapping and pruning releases. Not here: what a table holds (`sql/mart`),
the analysts' database (`analyst`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from itertools import chain, count
from pathlib import Path

import pyarrow as pa

from dagster_project.contracts.dictionary import DictionaryRow, dictionary_rows
from dagster_project.errors import BuildError
from dagster_project.lake.builds import Green, newest_green
from dagster_project.lake.connection import Lake
from dagster_project.lake.ledger import PAYMENT_TABLES, READ_WITHIN
from dagster_project.lake.ledger_dictionary import ledger_rows
from dagster_project.pipeline import Session
from dagster_project.private_files import fsync_directory
from dagster_project.publish import analyst
from dagster_project.publish.view import pages
from dagster_project.publish.withdrawal import MANIFEST, PERSON_LEVEL, complete_releases, remove
from dagster_project.sql_text import literal, quoted

CURRENT = "current"
CONTROLLER = "controller"
"""Folder of the exact ledger, for those who pay and audit."""


@dataclass(frozen=True)
class PublishedTable:
    """One file of a release."""

    path: str
    row_count: int
    byte_count: int
    sha256: str


@dataclass(frozen=True)
class Release:
    """A release and what it was made from."""

    release_id: str
    build_id: int
    build_run_id: str
    snapshot_id: int
    protection_count: int
    tables: tuple[PublishedTable, ...]


def publish(session: Session) -> Release:
    """Publish the newest green build; a reader sees the old release or the new one, whole.

    Raises:
        BuildError: there is no green build, or a staged file does not hold what the lake does.
    """
    lake, published = session.lake, session.lake.settings.published
    releases = published / "releases"
    release_id = _release_id(releases, newest_green(lake))
    final = releases / release_id
    if not final.exists():
        staging = _empty_staging(releases, release_id)
        release = _stage(session, staging, release_id)
        session.run.on_step("release staged")
        _seal(staging)
        staging.rename(final)
        fsync_directory(releases)
        session.run.on_step("release named")
    release = _read_manifest(final)
    _point_current(published, release_id)
    session.run.on_step("release swapped")
    _note(session, release)
    _prune(releases, keep=lake.settings.keep_releases, current=release_id)
    return release


def add_to_current(published: Path, shelf: Path, files: Mapping[str, str]) -> Path:
    """Put pages of aggregates on a shelf of the current release; each comes whole, or not at all.

    Args:
        published: where releases are.
        shelf: folder within the release, such as `internal/quality`.
        files: text by file name.

    Returns:
        The shelf.

    Raises:
        BuildError: there is no release.
    """
    release = _current_directory(published)
    if release is None:
        raise BuildError("there is no release to add to; run `tietoallas run`")
    staging, target = release / f".staging-{shelf.name}", release / shelf
    if staging.exists():
        shutil.rmtree(staging)
    staging.mkdir()
    target.mkdir(parents=True, exist_ok=True)
    target.chmod(0o755)
    for name, text in files.items():
        (staging / name).write_text(text, encoding="utf-8")
    _seal(staging)
    for name in files:
        (staging / name).replace(target / name)
    staging.rmdir()
    fsync_directory(target)
    return target


def _release_id(releases: Path, green: Green) -> str:
    """The build's number; with a further one where that is taken by a build that is no more.

    After a restore from backup build numbers are given anew, while releases made since still stand.
    """
    number = f"{green.build_id:06d}"
    candidates = chain([number], (f"{number}.{further}" for further in count(1)))
    return next(c for c in candidates if _is_free_or_of(releases / c, green))


def _is_free_or_of(directory: Path, green: Green) -> bool:
    return not (directory / MANIFEST).exists() or _is_of(_read_manifest(directory), green)


def _is_of(release: Release, green: Green) -> bool:
    return (release.build_id, release.build_run_id, release.snapshot_id) == (
        green.build_id,
        green.run_id,
        green.snapshot_id,
    )


def _empty_staging(releases: Path, release_id: str) -> Path:
    releases.mkdir(parents=True, exist_ok=True)
    for leftover in (*releases.glob(".staging-*"), *releases.glob("*/.staging-*")):
        shutil.rmtree(leftover)
    staging = releases / f".staging-{release_id}"
    staging.mkdir()
    return staging


def _stage(session: Session, staging: Path, release_id: str) -> Release:
    lake = session.lake
    green = newest_green(lake)
    previous = _current_directory(lake.settings.published)
    shelves = {
        staging / "internal" / "bi": _publications(session, green.snapshot_id),
        staging / CONTROLLER: _ledger(green.snapshot_id, PAYMENT_TABLES),
    }
    tables = []
    for shelf, queries in shelves.items():
        shelf.mkdir(parents=True)
        for name, query in queries.items():
            table = _write_parquet(lake, query, shelf / f"{name}.parquet", staging)
            _link_unchanged(staging / table.path, table, previous)
            tables.append(table)
    analyst_file = staging / "analyst" / "tietoallas.duckdb"
    analyst_file.parent.mkdir(mode=0o700)
    analyst.write_database(session, analyst_file, green.snapshot_id)
    pages.write_pages(session, staging, release_id, green.snapshot_id)
    session.run.on_step("files written")
    protected = lake.count("select count(*) from vault.protection")
    release = Release(
        release_id, green.build_id, green.run_id, green.snapshot_id, protected, tuple(tables)
    )
    manifest = json.dumps(asdict(release), indent=2) + "\n"
    (staging / MANIFEST).write_text(manifest, encoding="utf-8")
    return release


def _publications(session: Session, snapshot_id: int) -> dict[str, str]:
    """Query by name of each flat file: marts that name no person, and the data dictionary."""
    marts = {
        m.name: f"select * from lake.mart.{quoted(m.name)} at (version => {snapshot_id})"
        for m in session.definition.graph.models
        if m.schema == "mart" and not analyst.persons_of(m)
    }
    told = [*dictionary_rows(session.definition.catalogue), *ledger_rows()]
    rows = [_flat(row) for row in told]
    session.lake.connection.register("dictionary_rows", pa.Table.from_pylist(rows))
    payments = _ledger(snapshot_id, READ_WITHIN)
    return marts | payments | {"data_dictionary": "select * from dictionary_rows"}


def _ledger(snapshot_id: int, names: Iterable[str]) -> dict[str, str]:
    """Queries of tables of the payment ledger, which no model makes; they name no person."""
    return {name: f"select * from lake.mart.{name} at (version => {snapshot_id})" for name in names}


def _flat(row: DictionaryRow) -> dict[str, object]:
    """A dictionary row in types that every BI tool reads: lists become text."""
    return {
        name: "; ".join(value) if isinstance(value, tuple) else value
        for name, value in asdict(row).items()
    }


def _write_parquet(lake: Lake, query: str, target: Path, staging: Path) -> PublishedTable:
    """Write a query's rows, read them back and hold them against the lake.

    Raises:
        BuildError: the file does not hold the rows that the lake does.
    """
    file = literal(str(target))
    lake.execute(f"copy ({query} order by all) to {file} (format parquet, compression zstd)")
    due = lake.count(f"select count(*) from ({query})")
    found = lake.count(f"select count(*) from read_parquet({file})")
    if due != found:
        raise BuildError(
            f"{target.stem}: {found} rows were written and {due} are due; not published"
        )
    content = target.read_bytes()
    return PublishedTable(
        path=str(target.relative_to(staging)),
        row_count=found,
        byte_count=len(content),
        sha256=hashlib.sha256(content).hexdigest(),
    )


def _link_unchanged(file: Path, table: PublishedTable, previous: Path | None) -> None:
    """Share the bytes with the previous release where they are the same."""
    twin = previous / table.path if previous else None
    if twin is None or not twin.exists() or twin.stat().st_size != table.byte_count:
        return
    if hashlib.sha256(twin.read_bytes()).hexdigest() == table.sha256:
        file.unlink()
        os.link(twin, file)


def _seal(staging: Path) -> None:
    """Flush every file, and leave nothing that can be written in place."""
    for path in sorted(staging.rglob("*")):
        if path.is_file():
            with path.open("rb") as handle:
                os.fsync(handle.fileno())
            path.chmod(0o400 if _is_narrow(path, staging) else 0o444)
    for directory in (*sorted(p for p in staging.rglob("*") if p.is_dir()), staging):
        directory.chmod(0o700 if _is_narrow(directory, staging) else 0o755)
        fsync_directory(directory)


def _is_narrow(path: Path, staging: Path) -> bool:
    """Whether it is for few: of single persons, or exact lines of money."""
    return path.relative_to(staging).parts[:1] in [(name,) for name in (*PERSON_LEVEL, CONTROLLER)]


def _point_current(published: Path, release_id: str) -> None:
    target = Path("releases") / release_id
    link = published / CURRENT
    if link.is_symlink() and link.readlink() == target:
        return
    staged = published / f".{CURRENT}"
    staged.unlink(missing_ok=True)
    staged.symlink_to(target)
    staged.replace(link)
    fsync_directory(published)


def _current_directory(published: Path) -> Path | None:
    link = published / CURRENT
    return link.resolve() if link.exists() else None


def _read_manifest(directory: Path) -> Release:
    document = json.loads((directory / MANIFEST).read_text(encoding="utf-8"))
    tables = tuple(PublishedTable(**table) for table in document.pop("tables"))
    return Release(**document, tables=tables)


def _note(session: Session, release: Release) -> None:
    session.lake.execute(
        "insert into lake.ops.release select ?, ?, ?, ?, ? where not exists"
        " (select 1 from ops.release where release_id = ?)",
        [
            release.release_id,
            release.build_id,
            release.snapshot_id,
            session.run.now(),
            session.run.run_id,
            release.release_id,
        ],
    )


def _prune(releases: Path, *, keep: int, current: str) -> None:
    for directory in complete_releases(releases)[:-keep]:
        if directory.name != current:
            remove(directory)
