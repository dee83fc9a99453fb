"""A release, against the time DuckDB needs to copy the same tables of the lake to Parquet.

Both read the same lake in the same session, in turn; only their ratio means anything on a shared
machine. A release also checks, redacts, pseudonymises and writes the analysts' database.

Here: what is timed. Not here: figures (`README.md`).
"""

from __future__ import annotations

import dataclasses
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from dagster_project import pipeline
from dagster_project.lake.builds import newest_green
from dagster_project.lake.ledger import PAYMENT_TABLES
from dagster_project.pipeline import Session
from dagster_project.publish.omop import export_omop
from dagster_project.publish.release import publish
from dagster_project.settings import Settings
from dagster_project.sql_text import literal


def measure(work: Path) -> list[tuple[str, str]]:
    """Measure on the home that `landing_to_core` left; its months are not settled."""
    settings = Settings(home=work / "home", keys=work / "keys.json", min_free_disk_gib=0)
    with pipeline.open_session(settings) as session:
        plain_s = _plain_copy(session, work / "plain_release")
        release_s = _timed(lambda: publish(_changed(session)))
        omop_s = _timed(lambda: export_omop(session))
    return [
        ("core, marts and ledger copied to Parquet by DuckDB alone", f"{plain_s:.1f} s"),
        ("release of them", f"{release_s:.1f} s, {release_s / plain_s:.2f} × the plain copy"),
        ("OMOP CDM of the release", f"{omop_s:.1f} s, {omop_s / plain_s:.2f} × the plain copy"),
    ]


def _plain_copy(session: Session, target: Path) -> float:
    """Copy core, indicators, marts and ledger of the newest build, with nothing but DuckDB."""
    shutil.rmtree(target, ignore_errors=True)
    target.mkdir(parents=True)
    snapshot_id = newest_green(session.lake).snapshot_id
    names = [m.full_name for m in session.definition.graph.models]
    names += [f"mart.{name}" for name in PAYMENT_TABLES]

    def copy() -> None:
        with session.lake.transaction():
            for name in names:
                file = literal(str(target / f"{name}.parquet"))
                session.lake.execute(
                    f"copy (select * from lake.{name} at (version => {snapshot_id})) to {file}"
                    " (format parquet, compression zstd)"
                )

    return _timed(copy)


def _changed(session: Session) -> Session:
    """The session with other meanings, so that a release is made anew."""
    outputs = session.definition.outputs
    meanings = {**outputs.meanings, "measured_at": str(time.time())}
    changed = dataclasses.replace(outputs, meanings=meanings)
    definition = dataclasses.replace(session.definition, outputs=changed)
    return dataclasses.replace(session, definition=definition)


def _timed(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
