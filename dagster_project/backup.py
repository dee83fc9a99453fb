"""Backup and restore: catalog, data, vault, each file with its digest; never the keys.

A backup is whole once its list of files stands; a restore compares every byte with the list before
it puts anything in place. Releases are not kept: the next run makes one.

Here: a home whose catalog is SQLite. Not here: a PostgreSQL catalog, which its own tools back up.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import asdict, dataclass
from pathlib import Path

from dagster_project.errors import SettingsError, TietoallasError
from dagster_project.pipeline import Session
from dagster_project.private_files import fsync_directory, fsync_file
from dagster_project.settings import Settings

LIST = "backup.json"
_CATALOG = Path("lake") / "catalog.sqlite"
_PARTS = ("lake", "vault")


@dataclass(frozen=True)
class Backup:
    """What a backup holds."""

    created_at: str
    """UTC, ISO 8601."""
    delivery_count: int
    byte_count: int
    sha256: dict[str, str]
    """Of each file, by its path."""


def back_up(session: Session, folder: Path) -> Backup:
    """Copy an installation into an empty folder, while the session keeps others from writing.

    Raises:
        SettingsError: the folder is not empty, or lies in the home; the catalog is in PostgreSQL.
    """
    settings = session.lake.settings
    _refuse(settings, folder)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for part in (settings.lake / "data", settings.vault / "deliveries"):
        shutil.copytree(part, folder / part.relative_to(settings.home))
    _copy_catalog(settings.home / _CATALOG, folder / _CATALOG)
    _copy_identities(session, folder)
    backup = _described(session, folder)
    (folder / LIST).write_text(json.dumps(asdict(backup), indent=2), encoding="utf-8")
    for path in (*_files(folder), folder / LIST):
        path.chmod(0o600)
        fsync_file(path)
    fsync_directory(folder)
    session.run.on_step("backed up")
    return backup


def _refuse(settings: Settings, folder: Path) -> None:
    if settings.catalog != "sqlite":
        raise SettingsError(
            "the catalog is in PostgreSQL: dump it with pg_dump while nothing runs, then copy"
            f" {settings.lake / 'data'} and {settings.vault}"
        )
    if folder.resolve().is_relative_to(settings.home.resolve()):
        raise SettingsError(f"{folder} lies in {settings.home}, and would be lost with it")
    if folder.exists() and any(folder.iterdir()):
        raise SettingsError(f"{folder} is not empty; name a folder for this backup alone")


def _copy_catalog(source: Path, target: Path) -> None:
    """By SQLite's own means: what still stands in its write-ahead log comes along."""
    with closing(sqlite3.connect(source)) as old, closing(sqlite3.connect(target)) as new:
        old.backup(new)


def _copy_identities(session: Session, folder: Path) -> None:
    """The identity database, closed for as long as it takes."""
    vault = session.lake.settings.vault
    session.identities.detach()
    try:
        shutil.copy2(vault / "identities.duckdb", folder / "vault" / "identities.duckdb")
    finally:
        session.identities.attach()


def _described(session: Session, folder: Path) -> Backup:
    files = list(_files(folder))
    return Backup(
        created_at=session.run.now().isoformat(timespec="seconds"),
        delivery_count=session.lake.count("select count(*) from ops.delivery"),
        byte_count=sum(path.stat().st_size for path in files),
        sha256={str(path.relative_to(folder)): _digest(path) for path in files},
    )


def _files(folder: Path) -> Iterator[Path]:
    for part in _PARTS:
        yield from sorted(path for path in (folder / part).rglob("*") if path.is_file())


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def restore(folder: Path, settings: Settings) -> Backup:
    """Put a backup in place as a new home; nothing changes unless every byte is as it was.

    Raises:
        SettingsError: the home holds a lake or a vault already.
        TietoallasError: the backup was not finished, or a file is missing, new or different.
    """
    backup = _read(folder)
    taken = [path for path in (settings.lake, settings.vault) if path.exists()]
    if taken:
        raise SettingsError(f"{taken[0]} exists; restore into an empty TIETOALLAS_HOME")
    _verify(folder, backup)
    settings.home.mkdir(parents=True, exist_ok=True)
    for part in _PARTS:
        arriving = settings.home / f".restoring-{part}"
        shutil.rmtree(arriving, ignore_errors=True)
        shutil.copytree(folder / part, arriving)
        _narrow(arriving)
    for part in _PARTS:
        (settings.home / f".restoring-{part}").rename(settings.home / part)
    fsync_directory(settings.home)
    return backup


def _narrow(folder: Path) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(0o700 if path.is_dir() else 0o600)


def _read(folder: Path) -> Backup:
    try:
        return Backup(**json.loads((folder / LIST).read_text(encoding="utf-8")))
    except (OSError, ValueError, TypeError):
        raise TietoallasError(
            f"{folder} has no readable {LIST}: the backup was not finished; take another one"
        ) from None


def _verify(folder: Path, backup: Backup) -> None:
    found = {str(path.relative_to(folder)): _digest(path) for path in _files(folder)}
    if found == backup.sha256:
        return
    odd = sorted(
        name
        for name in found.keys() | backup.sha256.keys()
        if found.get(name) != backup.sha256.get(name)
    )
    raise TietoallasError(
        f"{len(odd)} files of the backup are missing, new or damaged, the first {odd[0]};"
        " nothing was restored; take another backup"
    )
