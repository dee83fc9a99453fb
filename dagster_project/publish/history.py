"""Releases that stand: which there are, what moved between two and why, and the way back to one.

Here: reading folders of releases, and rolling back. Not here: making a release (`release`).
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import TietoallasError
from dagster_project.lake.release_log import Event, note
from dagster_project.pipeline import Session
from dagster_project.publish.manifest import (
    Release,
    current_directory,
    read_manifest,
)
from dagster_project.publish.release import ANALYSTS, point_current
from dagster_project.publish.shelves import accesses, too_open
from dagster_project.publish.withdrawal import MANIFEST, complete_releases
from dagster_project.settings import Settings
from dagster_project.sql_text import literal, quoted

OMOP = "omop"


@dataclass(frozen=True)
class Standing:
    """A release that stands."""

    release: Release
    is_current: bool
    has_persons: bool
    """Whether its person-level files are there; an order or an erasure takes them away."""


def standing(published: Path) -> list[Standing]:
    """Every release that stands, oldest first."""
    current = current_directory(published)
    return [
        Standing(read_manifest(d), current is not None and d == current, (d / ANALYSTS).exists())
        for d in complete_releases((published / "releases").resolve())
    ]


def directory_of(published: Path, release_id: str) -> Path:
    """Folder of a release; of the current one where no id is given.

    Raises:
        TietoallasError: it does not stand.
    """
    known = {d.name: d for d in complete_releases((published / "releases").resolve())}
    current = current_directory(published)
    wanted = release_id or (current.name if current else "")
    if wanted not in known:
        raise TietoallasError(
            f"there is no release {wanted or 'yet'}; standing are: {', '.join(known) or 'none'}"
        )
    return known[wanted]


@dataclass(frozen=True)
class Moved:
    """What became of one table from one release to another, and why."""

    path: str
    added_count: int
    removed_count: int
    changed_count: int | None
    """Rows with other values under their key; None where there is no key: they are told as added
    and removed."""
    reasons: tuple[str, ...]


def diff(
    published: Path, before_id: str, after_id: str, *, keys: Mapping[str, tuple[str, ...]]
) -> list[Moved]:
    """Tables that are not the same in two releases.

    Args:
        published: Where releases are.
        before_id: The earlier.
        after_id: The later.
        keys: Unique columns by table.

    Raises:
        TietoallasError: one of them does not stand.
    """
    before, after = (directory_of(published, i) for i in (before_id, after_id))
    old, new = read_manifest(before), read_manifest(after)
    was = {table.path: table for table in old.tables}
    now = {table.path: table for table in new.tables}
    found = []
    for path in sorted(was.keys() | now.keys()):
        one, other = was.get(path), now.get(path)
        if one and other and one.sha256 == other.sha256:
            continue
        added, removed, changed = _rows_moved(
            before / path if one else None,
            after / path if other else None,
            keys.get(Path(path).stem, ()),
        )
        rests_on = {*(one.rests_on if one else ()), *(other.rests_on if other else ())}
        found.append(Moved(path, added, removed, changed, _reasons(rests_on, old, new)))
    return found


def _rows_moved(
    before: Path | None, after: Path | None, key: tuple[str, ...]
) -> tuple[int, int, int | None]:
    """Rows added, removed and changed."""
    if before is None or after is None:
        added, removed = (0 if p is None else _count(f"from {_file(p)}") for p in (after, before))
        return added, removed, 0
    shared = [name for name in _columns(after) if name in _columns(before)]
    names = ", ".join(map(quoted, shared))
    one, other = (f"select {names} from {_file(path)}" for path in (before, after))
    gone, come = f"({one} except all {other})", f"({other} except all {one})"
    removed, added = _count(f"from {gone}"), _count(f"from {come}")
    if not key or not {*key} <= {*shared}:
        return added, removed, None
    on = " and ".join(f"a.{quoted(k)} is not distinct from b.{quoted(k)}" for k in key)
    changed = _count(f"from {gone} as a inner join {come} as b on {on}")
    return added - changed, removed - changed, changed


def _file(path: Path) -> str:
    return f"read_parquet({literal(str(path))})"


def _columns(path: Path) -> list[str]:
    return [name for name, *_ in _rows(f"describe from {_file(path)}")]


def _count(source: str) -> int:
    return int(_rows(f"select count(*) {source}")[0][0])


def _rows(sql: str) -> list[tuple[Any, ...]]:
    with duckdb.connect() as connection:
        return connection.execute(sql).fetchall()


def _reasons(named: set[str], old: Release, new: Release) -> tuple[str, ...]:
    """Which of these inputs are not the same: data, rulebook or code, by name."""
    kinds = {
        "data": (old.inputs.data, new.inputs.data),
        "rulebook": (old.inputs.rulebooks, new.inputs.rulebooks),
        "code": (old.inputs.code, new.inputs.code),
    }
    found = [
        f"{kind}: {name}"
        for kind, (was, now) in kinds.items()
        for name in sorted(named & (was.keys() | now.keys()))
        if was.get(name) != now.get(name)
    ]
    if old.protection_count != new.protection_count:
        found.append("data: protection orders")
    if not found and old.code_version != new.code_version:
        found.append(f"code: {old.code_version or 'unknown'} to {new.code_version}")
    return tuple(found)


def verify(settings: Settings, directory: Path) -> Iterator[str]:
    """What is wrong with a release: files that are not as its manifest says, or open to others."""
    release = read_manifest(directory)
    for table in release.tables:
        path = directory / table.path
        if not path.exists():
            yield f"{table.path} is missing"
        elif hashlib.sha256(path.read_bytes()).hexdigest() != table.sha256:
            yield f"{table.path} is not what was published: its digest is another"
    stated = {table.path for table in release.tables}
    for path in sorted(directory.rglob("*.parquet")):
        shelf = path.relative_to(directory).parts[0]
        if shelf != OMOP and str(path.relative_to(directory)) not in stated:
            yield f"{path.relative_to(directory)} is not in the manifest"
    yield from _wrong_omop(directory / OMOP)
    for path in too_open(directory, accesses(settings)):
        yield f"{path.relative_to(directory)} is open to others than its readers, or to writing"


def _wrong_omop(folder: Path) -> Iterator[str]:
    """What is wrong with the export to OMOP, which states its own digests."""
    if not folder.exists():
        return
    stated = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    due = {f"{table['table']}.parquet": table["sha256"] for table in stated}
    found = {
        path.name: hashlib.sha256(path.read_bytes()).hexdigest()
        for path in folder.glob("*.parquet")
    }
    for name in sorted(due.keys() | found.keys()):
        if due.get(name) != found.get(name):
            yield f"{OMOP}/{name} is not what was published"


def roll_back(session: Session, release_id: str, *, reason: str) -> Release:
    """Have readers see an older release, until there is a build or a definition not seen before.

    Raises:
        TietoallasError: it does not stand, is current, or no reason is given.
    """
    published = session.lake.settings.published
    target, current = directory_of(published, release_id), current_directory(published)
    if not reason.strip():
        raise TietoallasError("say why: --reason 'figures of June are wrong'")
    if current is not None and target.name == current.name:
        raise TietoallasError(f"release {release_id} is what readers see already")
    broken = list(verify(session.lake.settings, target))
    if broken:
        raise TietoallasError(f"release {release_id} is not whole ({broken[0]}); choose another")
    # Noted first: were the run to die between, readers see what the log says they should not yet.
    if current is not None:
        note(session.lake, session.run, Event.ROLLED_BACK, current.name, reason=reason)
    note(session.lake, session.run, Event.RESTORED, target.name, reason=reason)
    point_current(published, target.name)
    return read_manifest(target)
