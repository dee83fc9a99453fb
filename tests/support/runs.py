"""Whole runs of the pipeline in tests, and what stands after them.

Here: a run as the command line makes it, in this process or one of its own; every row of lake and
release. Not here: what is delivered (`small_region`), single stages (`homes`).
"""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import duckdb

from dagster_project import pipeline
from dagster_project.lake.runs import OnStep, no_step
from dagster_project.publish.manifest import Release
from dagster_project.publish.release import publish
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.vault.keys import create_keyring
from tests.support.deliveries import write_all
from tests.support.homes import silent
from tests.support.small_region import deliveries

NOW = datetime(2017, 7, 3, 6, 0, 0)
COMMAND_LINE = "tests.support.few_tables"
"""The product's command line, over few tables where the test has those alone."""
_KILLED_RUN = """
import os, signal, sys
from dagster_project.settings import Settings
from tests.support import few_tables
from tests.support.runs import run_once

few_tables.obey_switch()
seen = []

def on_step(name):
    seen.append(name)
    if name == sys.argv[1] and seen.count(name) == int(sys.argv[2]):
        os.kill(os.getpid(), signal.SIGKILL)

run_once(Settings(), on_step=on_step)
"""
_RUN = """
from dagster_project.settings import Settings
from tests.support import few_tables
from tests.support.runs import run_once

few_tables.obey_switch()
run_once(Settings())
"""
_OF_THE_RUN = ("run_id", "landed_at")
"""Columns of the register that differ from run to run."""

Content = dict[str, list[tuple[Any, ...]]]


def small_home(folder: Path, keys: Path | None = None) -> Settings:
    """Settings of a home in which the small region's deliveries have landed.

    Args:
        folder: Gets the home.
        keys: Key file of another home; without one a fresh one is made.
    """
    if keys is None:
        keys = folder / "keys"
        create_keyring(keys)
    settings = Settings(home=folder / "home", keys=keys, min_free_disk_gib=0)
    write_all(settings.landing, deliveries())
    return settings


def copied(settings: Settings, home: Path) -> Settings:
    """Settings of a copy of a home, under the same keys."""
    shutil.copytree(settings.home, home, symlinks=True)
    return settings.model_copy(update={"home": home})


def run_once(settings: Settings, *, on_step: OnStep = no_step) -> Release:
    """Ingest, build and publish, as `tietoallas run` does."""
    with pipeline.open_session(settings, on_step=on_step, now=lambda: NOW) as session:
        assert not pipeline.ingest(session, report=silent).refusals
        pipeline.build(session, report=silent)
        return publish(session)


def start(settings: Settings, *arguments: str, prefix: Sequence[str] = ()) -> subprocess.Popen[str]:
    """Start a Python with these arguments on an installation's settings, its output kept.

    Args:
        settings: The installation.
        arguments: Of Python: `-m`, `-c …`.
        prefix: Command that starts Python, where it does not start as is.
    """
    environment = {
        "TIETOALLAS_HOME": str(settings.home),
        "TIETOALLAS_KEEP_LANDING": str(settings.keep_landing),
        "TIETOALLAS_MIN_FREE_DISK_GIB": str(settings.min_free_disk_gib),
        "PYTHONPATH": str(PROJECT_ROOT),
    } | ({"TIETOALLAS_KEYS": str(settings.keys)} if settings.keys else {})
    return subprocess.Popen(
        [*prefix, sys.executable, *arguments],
        env=os.environ | environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def can_run(*command: str) -> bool:
    """Whether this system has a command and lets us use it so."""
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


def kill_at(settings: Settings, step: str, *, occurrence: int = 1) -> None:
    """Run until a step is reached for the so-manieth time, and die there without any last act."""
    process = start(settings, "-c", _KILLED_RUN, step, str(occurrence))
    process.communicate()
    assert process.returncode == -signal.SIGKILL


def killed_after(settings: Settings, seconds: float) -> bool:
    """Run in a process that is killed after so long; whether it was still at work by then."""
    process = start(settings, "-c", _RUN)
    try:
        process.communicate(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
        process.communicate()
    return process.returncode == -signal.SIGKILL


def command(
    settings: Settings, *arguments: str, prefix: Sequence[str] = ()
) -> tuple[int, str, str]:
    """Run `tietoallas …` to its end: exit status, standard output, standard error."""
    process = start(settings, "-m", COMMAND_LINE, *arguments, prefix=prefix)
    output, errors = process.communicate()
    return process.returncode, output, errors


def lake_content(settings: Settings) -> Content:
    """Every row of staging, core, mart and of the register of deliveries and quarantine, sorted.

    Without what differs from run to run: its id, and when it took a delivery in.
    """
    with pipeline.open_session(settings) as session:
        columns = session.lake.rows(
            "select schema_name || '.' || table_name, '\"' || column_name || '\"'"
            " from duckdb_columns() where database_name = 'lake'"
            " and (schema_name in ('staging', 'core', 'indicator', 'mart')"
            " or schema_name = 'ops' and table_name in ('delivery', 'quarantine', 'rule_result'))"
            " and not list_contains(?, column_name) order by all",
            [list(_OF_THE_RUN)],
        )
        tables = {table: [c for t, c in columns if t == table] for table, _ in columns}
        return {
            table: session.lake.rows(f"select {', '.join(names)} from lake.{table} order by all")
            for table, names in tables.items()
        }


def analyst_content(release: Path) -> Content:
    """Every row of a release's analysts' database, sorted, by table."""
    file = release / "analyst" / "tietoallas.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:
        tables = connection.execute("select schema_name || '.' || table_name from duckdb_tables()")
        return {
            name: connection.execute(f"from {name} order by all").fetchall()
            for (name,) in tables.fetchall()
        }


def published_digests(release: Path) -> dict[str, str]:
    """Digest of every Parquet file of a release by its path, as its manifest states it."""
    manifest = json.loads((release / "manifest.json").read_text(encoding="utf-8"))
    return {table["path"]: table["sha256"] for table in manifest["tables"]}


def files_under(*directories: Path) -> list[Path]:
    """Every file below these directories."""
    return sorted(path for folder in directories for path in folder.rglob("*") if path.is_file())
