"""A release that is interrupted, or for which there is no room, leaves the old one standing, whole.

Here: crashes at every step of a release, processes killed in the midst of one, a full disk, readers
who hold the old files. Not here: whole runs (`test_kill_points`), polling readers (`test_readers`).
"""

from __future__ import annotations

import errno
import os
import random
import subprocess
import time
from collections.abc import Iterator

import duckdb
import pyarrow.parquet as pq
import pytest

from dagster_project import pipeline
from dagster_project.errors import SettingsError
from dagster_project.lake.runs import OnStep, Run
from dagster_project.pipeline import Session
from dagster_project.publish import history
from dagster_project.publish.manifest import current_directory
from dagster_project.publish.release import publish
from dagster_project.settings import Settings
from tests.support.runs import NOW, files_under, run_once, small_home, start

pytestmark = pytest.mark.usefixtures("few_tables")

KILLS = 50
_PUBLISH = """
from dagster_project import pipeline
from dagster_project.publish.release import publish
from dagster_project.settings import Settings
from tests.support import few_tables

few_tables.obey_switch()
with pipeline.open_session(Settings()) as session:
    print("publishing", flush=True)
    publish(session)
"""


class Crash(BaseException):
    """What nothing in the product may catch and carry on from."""


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with a release."""
    settings = small_home(tmp_path_factory.mktemp("released"))
    run_once(settings)
    return settings


@pytest.fixture
def settings(home: Settings) -> Settings:
    """The home, with a build that is not published yet."""
    with pipeline.open_session(home, now=lambda: NOW) as session:
        name_build(session)
    return home


@pytest.fixture
def session(settings: Settings) -> Iterator[Session]:
    with pipeline.open_session(settings, now=lambda: NOW) as session:
        yield session


def name_build(session: Session) -> None:
    """Call what stands a further green build, so that a further release is due."""
    session.lake.execute(
        "insert into lake.ops.build select max(build_id) + 1, max(snapshot_id), max(last_event_id),"
        " max(protection_count), max(models_sha256), max(built_at), max(run_id) from ops.build"
    )


def stepping(session: Session, on_step: OnStep) -> Session:
    run = Run(session.run.run_id, session.run.now, on_step)
    parts = (session.definition, session.lake, session.identities, session.blobs, session.keyring)
    return Session(*parts, run)


def crash_at(number: int) -> OnStep:
    steps = iter(range(number + 1))

    def on_step(_: str) -> None:
        if next(steps) == number:
            raise Crash

    return on_step


def assert_stands_whole(settings: Settings, release_id: str) -> None:
    directory = current_directory(settings.published)
    assert directory is not None
    assert directory.name == release_id
    assert list(history.verify(settings, directory)) == []
    with duckdb.connect(str(directory / "analyst" / "tietoallas.duckdb"), read_only=True) as file:
        assert file.execute("select count(*) > 0 from core.encounter").fetchone() == (True,)


def test_a_crash_at_any_step_leaves_the_old_release_and_the_next_one_goes_through(
    session: Session, settings: Settings
) -> None:
    steps: list[str] = []
    publish(stepping(session, steps.append))
    assert len(steps) >= 20
    assert steps.index("release named") > len(steps) - 4
    numbers = {steps.index(step) for step in steps} | {*range(0, len(steps), 4)}
    for number in sorted(numbers):
        step = steps[number]
        name_build(session)
        before = current_directory(settings.published)
        assert before is not None
        with pytest.raises(Crash):
            publish(stepping(session, crash_at(number)))
        after = current_directory(settings.published)
        assert after is not None
        assert (after == before) == (step != "release swapped"), step
        assert_stands_whole(settings, after.name)
    release = publish(session)
    assert_stands_whole(settings, release.release_id)
    assert not list(settings.published.rglob(".*"))


@pytest.mark.deep
def test_fifty_processes_killed_while_they_publish_leave_a_whole_release(
    settings: Settings,
) -> None:
    moments = random.Random(20170503)
    seconds, kills = published_in(settings), 0
    while kills < KILLS:
        with pipeline.open_session(settings, now=lambda: NOW) as session:
            name_build(session)
        killed = killed_while_publishing(settings, moments.uniform(0, seconds))
        kills += killed
        current = current_directory(settings.published)
        assert current is not None
        assert_stands_whole(settings, current.name)
    with pipeline.open_session(settings, now=lambda: NOW) as session:
        release = publish(session)
    assert_stands_whole(settings, release.release_id)
    assert not list(settings.published.rglob(".staging*"))


def published_in(settings: Settings) -> float:
    process = start(settings, "-c", _PUBLISH)
    assert process.stdout is not None
    process.stdout.readline()
    started = time.monotonic()
    process.communicate()
    assert process.returncode == 0
    return time.monotonic() - started


def killed_while_publishing(settings: Settings, seconds: float) -> bool:
    """Kill the process so long after it began to publish; whether it was still at it."""
    process = start(settings, "-c", _PUBLISH)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        process.wait(timeout=seconds)
    except subprocess.TimeoutExpired:
        process.kill()
    process.communicate()
    return process.returncode != 0


def test_a_full_disk_says_so_and_the_old_release_stands(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = current_directory(settings.published)
    assert before is not None

    def full(_: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with (
            pytest.raises(SettingsError, match="the disk is full; what stood before still stands"),
            pipeline.open_session(settings, now=lambda: NOW) as session,
        ):
            publish(session)
    assert_stands_whole(settings, before.name)
    with pipeline.open_session(settings, now=lambda: NOW) as session:
        assert_stands_whole(settings, publish(session).release_id)


def test_readers_hold_what_they_have_opened_though_its_release_is_removed(
    settings: Settings,
) -> None:
    current = settings.published / "current"
    held = current_directory(settings.published)
    assert held is not None
    figures = pq.ParquetFile(current / "internal" / "bi" / "visits_by_profession.parquet")
    public = (current / "public" / "bi" / "enrolled_by_provider.parquet").open("rb")
    database = duckdb.connect(str(current / "analyst" / "tietoallas.duckdb"), read_only=True)
    with pipeline.open_session(
        settings.model_copy(update={"keep_releases": 1}), now=lambda: NOW
    ) as session:
        release = publish(session)
    assert not held.exists()
    assert current.resolve().name == release.release_id
    assert figures.read().num_rows > 0
    assert pq.read_table(public).num_rows > 0
    assert database.execute("select count(*) > 0 from core.encounter").fetchone() == (True,)
    for reader in (figures, public, database):
        reader.close()
    assert files_under(current.resolve())
