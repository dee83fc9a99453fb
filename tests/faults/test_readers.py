"""Readers and a writer at the same time: nobody waits for nobody, and nobody sees half of anything.

Here: readers in processes of their own. Not here: two writers (`test_writer_lock`).
"""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import duckdb
import pytest

from dagster_project import pipeline
from dagster_project.pipeline import Session
from dagster_project.publish.release import publish
from dagster_project.settings import Settings
from tests.support.deliveries import reference_lists, write_all
from tests.support.homes import new_settings, silent
from tests.support.runs import NOW, run_once, start
from tests.support.small_region import JUNE, MAY, PERSONS, of_month

pytestmark = pytest.mark.usefixtures("few_tables")

READERS = 3


def wait_until(holds: Callable[[], bool], *, seconds: float = 60) -> None:
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "the other process did not get ready"
        time.sleep(0.05)


def may_at_work(folder: Path) -> Settings:
    """An installation with May's deliveries taken in, and June's in landing."""
    settings = new_settings(folder)
    write_all(settings.landing, (*reference_lists(), *of_month(MAY)))
    with pipeline.open_session(settings) as session:
        assert not pipeline.ingest(session, report=silent).refusals
    write_all(settings.landing, of_month(JUNE))
    return settings


@pytest.mark.parametrize(
    "seconds",
    [
        pytest.param(12, id="longer than DuckDB's own 5 s of patience"),
        pytest.param(60, id="a minute", marks=pytest.mark.deep),
    ],
)
def test_commits_go_through_beside_a_reader_that_holds_a_transaction(
    tmp_path: Path, seconds: int
) -> None:
    settings = may_at_work(tmp_path)
    holding = tmp_path / "holding"
    arguments = ("-m", "tests.support.holding_reader", settings.lake, holding, seconds)
    reader = start(settings, *map(str, arguments))
    wait_until(holding.exists)

    with pipeline.open_session(settings) as session:
        ingested = pipeline.ingest(session, report=silent)
        assert len(ingested.outcomes) == 2
        assert not ingested.refusals
        assert reader.poll() is None, "the reader let go before the writer was done"
        committed = session.lake.count("select count(*) from ops.delivery")

    output, errors = reader.communicate()
    assert (reader.returncode, errors) == (0, "")
    assert output.split() == [str(committed - 2)] * 2


def start_readers(settings: Settings, folder: Path) -> list[subprocess.Popen[str]]:
    """Readers that have all read once, and go on until `folder/stop` is there."""
    marks = [folder / f"reader_{number}" for number in range(READERS)]
    module = ("-m", "tests.support.polling_reader")
    readers = [
        start(settings, *module, *map(str, (settings.published, mark, folder / "stop")))
        for mark in marks
    ]
    wait_until(lambda: all(mark.exists() for mark in marks))
    return readers


def publish_build_at(session: Session, snapshot_id: int) -> str:
    """Name a build of a state of the lake that was green before, and publish it."""
    session.lake.execute(
        "insert into lake.ops.build select max(build_id) + 1, ?, max(last_event_id),"
        " max(protection_count), max(models_sha256), max(built_at), max(run_id) from ops.build",
        [snapshot_id],
    )
    return publish(session).release_id


def two_states(session: Session) -> tuple[int, int]:
    """Snapshots of the two green builds so far: May alone, and both months."""
    rows = session.lake.rows("select snapshot_id from ops.build order by build_id")
    may, both = (snapshot_id for (snapshot_id,) in rows)
    return may, both


@pytest.mark.parametrize("count_of_releases", [8, pytest.param(20, marks=pytest.mark.deep)])
def test_three_readers_polling_during_releases_see_each_whole(
    tmp_path: Path, count_of_releases: int
) -> None:
    """And a tool that opened the analysts' file by its stored path holds it through all of it."""
    keep = count_of_releases * 3 // 5
    settings = new_settings(tmp_path).model_copy(update={"keep_releases": keep})
    stored_path = settings.published / "current" / "analyst" / "tietoallas.duckdb"
    count = "select count(*) from core.encounter"
    write_all(settings.landing, (*reference_lists(), *of_month(MAY)))
    run_once(settings)
    with duckdb.connect(str(stored_path), read_only=True) as tool:
        assert tool.execute(count).fetchone() == (PERSONS,)
        write_all(settings.landing, of_month(JUNE))
        before = run_once(settings)
        with pipeline.open_session(settings, now=lambda: NOW) as session:
            states = two_states(session)
            readers = start_readers(settings, tmp_path)
            published = [publish_build_at(session, states[n % 2]) for n in range(count_of_releases)]
            (tmp_path / "stop").touch()
            results = [json.loads(reader.communicate()[0]) for reader in readers]
        assert tool.execute(count).fetchone() == (PERSONS,)

    assert [result["failures"] for result in results] == [[]] * READERS
    for result in results:
        assert len(result["seen"]) >= count_of_releases // 2
        assert set(result["seen"].values()) == {2 * PERSONS, PERSONS}
        assert set(result["seen"]) <= {before.release_id, *published}
    kept = sorted(path.name for path in (settings.published / "releases").iterdir())
    assert kept == published[-keep:]
