"""A release: what readers see, built beside what they read and swapped in one step.

Here: staging, verifying, swapping and pruning releases. Not here: what a table holds (`sql/mart`),
which tables there are (`outputs`), the analysts' database (`analyst`), modes (`shelves`).
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain, count
from pathlib import Path

from dagster_project.contracts.published import OutputContract
from dagster_project.errors import BuildError
from dagster_project.lake.builds import Green, newest_green
from dagster_project.lake.connection import Lake
from dagster_project.lake.ledger import PAYMENT_TABLES
from dagster_project.lake.release_log import Event, is_rolled_back, note
from dagster_project.pipeline import Session, code_version
from dagster_project.private_files import fsync_directory
from dagster_project.publish import analyst, dictionary_pages, outputs, risk, shelves, summaries
from dagster_project.publish.disclosure import InForce, disclose, limits_in_force, rolled_up
from dagster_project.publish.manifest import (
    CURRENT,
    PublishedTable,
    Release,
    current_directory,
    read_manifest,
    write_manifest,
)
from dagster_project.publish.outputs import DICTIONARY, DISCLOSED, LEDGER, Publication
from dagster_project.publish.shelves import CONTROLLER, INTERNAL, PUBLIC
from dagster_project.publish.view import pages
from dagster_project.publish.withdrawal import MANIFEST, complete_releases, remove
from dagster_project.sql_text import literal, quoted

ANALYSTS = Path("analyst") / "tietoallas.duckdb"


def publish(session: Session) -> Release:
    """Publish the newest green build; a reader sees the old release or the new one, whole.

    A release that was rolled back stays so until there is another build, or other definitions.

    Raises:
        BuildError: there is no green build, a staged file does not hold what the lake does, or a
            table is not as its output contract says.
        ContractError: the limits of disclosure control are too wide.
    """
    lake, published = session.lake, session.lake.settings.published
    releases = published / "releases"
    release_id = _release_id(session, releases, newest_green(lake))
    final = releases / release_id
    if not final.exists():
        staging = _empty_staging(releases, release_id)
        _stage(session, staging, release_id)
        session.run.on_step("release staged")
        shelves.seal(staging, staging, shelves.accesses(lake.settings))
        session.run.on_step("release sealed")
        staging.rename(final)
        fsync_directory(releases)
        session.run.on_step("release named")
    release = read_manifest(final)
    if not is_rolled_back(lake, release_id):
        point_current(published, release_id)
    session.run.on_step("release swapped")
    _note(session, release)
    _prune(releases, keep=lake.settings.keep_releases, current=current_directory(published))
    return release


def add_to_current(
    published: Path, shelf: Path, files: Mapping[str, str], by_shelf: Mapping[str, shelves.Access]
) -> Path:
    """Put pages of aggregates on a shelf of the current release; each comes whole, or not at all.

    Args:
        published: where releases are.
        shelf: folder within the release, such as `internal/quality`.
        files: text by file name.
        by_shelf: who may read.

    Returns:
        The shelf.

    Raises:
        BuildError: there is no release.
    """
    release = current_directory(published)
    if release is None:
        raise BuildError("there is no release to add to; run `tietoallas run`")
    target = release / shelf
    staging = target.with_name(f".staging-{shelf.name}")
    if staging.exists():
        shutil.rmtree(staging)
    staging.mkdir(parents=True)
    target.mkdir(exist_ok=True)
    for name, text in files.items():
        (staging / name).write_text(text, encoding="utf-8")
    shelves.seal(staging, release, by_shelf)
    for name in files:
        (staging / name).replace(target / name)
    staging.rmdir()
    shelves.seal(target.parent, release, by_shelf)
    return target


def _release_id(session: Session, releases: Path, green: Green) -> str:
    """The build's number; with a further one where that is taken by what is no more, or was else.

    After a restore from backup build numbers are given anew, while releases made since still stand;
    and other contracts, rulebooks or code make another release of the same build.
    """
    number = f"{green.build_id:06d}"
    candidates = chain([number], (f"{number}.{further}" for further in count(1)))
    return next(c for c in candidates if _is_free_or_of(session, releases / c, green))


def _is_free_or_of(session: Session, directory: Path, green: Green) -> bool:
    return not (directory / MANIFEST).exists() or _is_of(session, read_manifest(directory), green)


def _is_of(session: Session, release: Release, green: Green) -> bool:
    return (
        release.build_id,
        release.build_run_id,
        release.snapshot_id,
        release.definition_sha256,
    ) == (green.build_id, green.run_id, green.snapshot_id, _definition_sha256(session))


def _definition_sha256(session: Session) -> str:
    parts = session.definition.contracts_sha256 + code_version()
    return hashlib.sha256(parts.encode()).hexdigest()


def _empty_staging(releases: Path, release_id: str) -> Path:
    releases.mkdir(parents=True, exist_ok=True)
    for folder in (releases.parent, releases):
        folder.chmod(0o755)
    for leftover in (*releases.glob(".staging-*"), *releases.glob("*/**/.staging-*")):
        shutil.rmtree(leftover)
    staging = releases / f".staging-{release_id}"
    staging.mkdir()
    return staging


@dataclass(frozen=True)
class _Desk:
    """Where files are being written."""

    session: Session
    staging: Path
    previous: Path | None
    in_force: InForce
    by_shelf: Mapping[str, shelves.Access]

    @property
    def lake(self) -> Lake:
        return self.session.lake

    def put(self, path: str, query: str, told: Publication, *, redacted: int = 0) -> PublishedTable:
        """Write a query's rows to a file of the release."""
        target = self.staging / path
        target.parent.mkdir(parents=True, exist_ok=True)
        metadata = {"tietoallas_table": told.name}
        if path.startswith(PUBLIC):
            metadata["tietoallas_disclosure"] = json.dumps(
                {"redacted_cells": redacted, "override": self.in_force.override}
            )
        rows = _write_parquet(self.lake, query, target, metadata)
        content = target.read_bytes()
        table = PublishedTable(
            path=path,
            row_count=rows,
            byte_count=len(content),
            sha256=hashlib.sha256(content).hexdigest(),
            redacted_count=redacted,
            rests_on=told.rests_on,
        )
        if self.previous:
            access = shelves.access_of(target, self.staging, self.by_shelf)
            _link_unchanged(target, table, self.previous / path, access)
        self.session.run.on_step("file published")
        return table


def _stage(session: Session, staging: Path, release_id: str) -> None:
    lake = session.lake
    green = newest_green(lake)
    previous = current_directory(lake.settings.published)
    in_force = limits_in_force(session.definition.rulebooks)
    desk = _Desk(session, staging, previous, in_force, shelves.accesses(lake.settings))
    with outputs.read_at(session, green.snapshot_id):
        told = outputs.publications(session)
        tables = [*_exact_tables(desk, told), *_public_tables(desk, told)]
        inputs = outputs.inputs(session)
    tables += [
        desk.put(path, told_of.query, told_of)
        for path, told_of in risk.publications(session, green.snapshot_id)
    ]
    summaries.write(lake, staging, session.definition.outputs)
    dictionary_pages.write(session, staging)
    pages.write_pages(session, staging, release_id, green.snapshot_id)
    session.run.on_step("pages published")
    analyst_file = staging / ANALYSTS
    analyst_file.parent.mkdir(mode=0o700)
    analyst.write_database(session, analyst_file, green.snapshot_id, release_id=release_id)
    session.run.on_step("files written")
    release = Release(
        release_id=release_id,
        build_id=green.build_id,
        build_run_id=green.run_id,
        snapshot_id=green.snapshot_id,
        protection_count=lake.count("select count(*) from vault.protection"),
        tables=tuple(tables),
        definition_sha256=_definition_sha256(session),
        code_version=code_version(),
        reached_date=outputs.reached_date(lake),
        disclosure_override=desk.in_force.override,
        inputs=inputs,
    )
    write_manifest(staging, release)


def _exact_tables(desk: _Desk, told: Sequence[Publication]) -> list[PublishedTable]:
    """Marts and payments for named readers; the whole ledger for controllers."""
    tables = []
    for publication in told:
        outputs.check_output(desk.lake, publication)
        path = f"{INTERNAL}/bi/{publication.name}.parquet"
        tables.append(desk.put(path, publication.query, publication))
    for name in PAYMENT_TABLES:
        query = f"select * from release.{quoted(name)}"
        lines = Publication(name, query, None, (LEDGER,))
        tables.append(desk.put(f"{CONTROLLER}/{name}.parquet", query, lines))
    return tables


def _public_tables(desk: _Desk, told: Sequence[Publication]) -> list[PublishedTable]:
    """What disclosure control leaves of those tables that anybody may read."""
    contracts = desk.session.definition.outputs.contracts
    tables = []
    for one in told:
        if one.contract is not None and one.contract.is_public:
            of_public = one.name == DICTIONARY
            query = outputs.public_dictionary(contracts) if of_public else one.query
            limited = replace(one, query=query, rests_on=(*one.rests_on, "disclosure"))
            tables.append(_public_table(desk, limited, one.contract))
    return tables


def _public_table(desk: _Desk, told: Publication, contract: OutputContract) -> PublishedTable:
    found = desk.lake.execute(f"{rolled_up(told.query, contract)} order by all")
    names = [column[0] for column in found.description or ()]
    rows = list(zip(*found.fetchall(), strict=True)) or [() for _ in names]
    exact = {name: list(values) for name, values in zip(names, rows, strict=True)}
    public = disclose(exact, contract, desk.in_force.limits)
    outputs.put_table(desk.lake, DISCLOSED, public.types, public.columns)
    return desk.put(
        f"{PUBLIC}/bi/{told.name}.parquet",
        f"select * from release.{DISCLOSED}",
        told,
        redacted=public.redacted_count,
    )


def _write_parquet(lake: Lake, query: str, target: Path, metadata: Mapping[str, str]) -> int:
    """Write a query's rows, read them back and hold them against the lake.

    Raises:
        BuildError: the file does not hold the rows that the lake does.
    """
    file = literal(str(target))
    stated = ", ".join(f"{name}: {literal(value)}" for name, value in metadata.items())
    lake.execute(
        f"copy ({query} order by all) to {file}"
        f" (format parquet, compression zstd, kv_metadata {{{stated}}})"
    )
    due = lake.count(f"select count(*) from ({query})")
    found = lake.count(f"select count(*) from read_parquet({file})")
    if due != found:
        raise BuildError(
            f"{target.stem}: {found} rows were written and {due} are due; not published"
        )
    return found


def _link_unchanged(file: Path, table: PublishedTable, twin: Path, access: shelves.Access) -> None:
    """Share the bytes with the previous release where they, and their readers, are the same."""
    if not twin.exists() or twin.stat().st_size != table.byte_count:
        return
    if not shelves.is_sealed_as(twin, access):
        return
    if hashlib.sha256(twin.read_bytes()).hexdigest() == table.sha256:
        file.unlink()
        os.link(twin, file)


def point_current(published: Path, release_id: str) -> None:
    """Have readers see a release from now on; one step, and those who read on are left alone."""
    target = Path("releases") / release_id
    link = published / CURRENT
    if link.is_symlink() and link.readlink() == target:
        return
    staged = published / f".{CURRENT}"
    staged.unlink(missing_ok=True)
    staged.symlink_to(target)
    staged.replace(link)
    fsync_directory(published)


def _note(session: Session, release: Release) -> None:
    lake = session.lake
    is_noted = "select 1 from ops.release where release_id = ?"
    if lake.rows(is_noted, [release.release_id]):
        return
    lake.execute(
        "insert into lake.ops.release values (?, ?, ?, ?, ?)",
        [
            release.release_id,
            release.build_id,
            release.snapshot_id,
            session.run.now(),
            session.run.run_id,
        ],
    )
    note(
        session.lake,
        session.run,
        Event.PUBLISHED,
        release.release_id,
        reason=release.disclosure_override,
    )


def _prune(releases: Path, *, keep: int, current: Path | None) -> None:
    for directory in complete_releases(releases)[:-keep]:
        if current is None or directory.name != current.name:
            remove(directory)
