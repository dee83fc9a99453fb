"""A full disk and a file that cannot be had: a clear error, nothing lost, the next run works.

Here: what the system refuses. Not here: what a file says (`tests/bad_input`).
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from dagster_project import pipeline
from dagster_project.errors import SettingsError
from dagster_project.settings import PROJECT_ROOT, Settings
from dagster_project.vault.keys import create_keyring
from tests.support.deliveries import ENCOUNTERS, reference_lists, write, write_all
from tests.support.homes import silent
from tests.support.runs import (
    analyst_content,
    can_run,
    lake_content,
    run_once,
    start,
)
from tests.support.search import codes_readable_in
from tests.support.small_region import MAY, PERSONS, deliveries, june_without_order, of_month

pytestmark = pytest.mark.usefixtures("few_tables")

OWN_MOUNTS = ("unshare", "--map-root-user", "--mount")
"""Linux: what is mounted is gone with the process."""
SMALL_DISK = 'mount -t tmpfs -o size=64m tmpfs "$0" && exec "$@"'
LIMITED = """
import resource, sys
from dagster_project.cli import main
from tests.support import few_tables

few_tables.obey_switch()
resource.setrlimit(resource.RLIMIT_FSIZE, (int(sys.argv[1]),) * 2)
sys.argv = ["tietoallas", "run"]
main()
"""


def assert_is_a_message_for_people(errors: str) -> None:
    """One line that says what to do, and no traceback."""
    assert errors.startswith("error: ")
    assert errors.count("\n") == 1
    assert "free room" in errors
    assert codes_readable_in(errors.encode()) == set()


@pytest.fixture(scope="module")
def played(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """The scenario of `tests.support.full_disk`, and what an undisturbed run holds."""
    folder = tmp_path_factory.mktemp("disk")
    disk = folder / "disk"
    disk.mkdir()
    on_it = (*OWN_MOUNTS, "sh", "-c", SMALL_DISK, str(disk))
    if not can_run(*on_it, "true"):
        pytest.skip("this system lets nobody mount a small disk; the limited-file test still runs")
    create_keyring(folder / "keys")
    calm = Settings(home=folder / "home", keys=folder / "keys", min_free_disk_gib=0)
    months = (*of_month(MAY), *june_without_order())
    write_all(calm.landing, (*reference_lists(), *months))
    scenario = (sys.executable, "-m", "tests.support.full_disk", str(disk), str(calm.keys))
    environment = os.environ | {"PYTHONPATH": str(PROJECT_ROOT)}
    done = subprocess.run(
        [*on_it, *scenario], env=environment, capture_output=True, text=True, check=True
    )
    run_once(calm)
    due = json.loads(json.dumps(lake_content(calm), default=str))
    return {**json.loads(done.stdout), "due": due}


@pytest.mark.deep
def test_a_run_on_a_full_disk_says_so_and_leaves_the_last_release(played: dict[str, Any]) -> None:
    assert len(played["attempts"]) == 6
    for attempt in played["attempts"]:
        assert attempt["status"] == 1, attempt["room_kib"]
        assert attempt["stands"], attempt["room_kib"]
        assert attempt["encounters"] == PERSONS, attempt["room_kib"]
        assert_is_a_message_for_people(attempt["errors"])


@pytest.mark.deep
def test_once_there_is_room_again_the_next_run_ends_as_if_there_always_was(
    played: dict[str, Any],
) -> None:
    assert played["freed"] == [0, ""]
    # When a delivery came is of another clock here than in the undisturbed run.
    lake, due = ({**played[name], "mart.data_quality": None} for name in ("lake", "due"))
    assert lake == due


def test_a_file_that_cannot_grow_ends_the_run_with_a_message(tmp_path: Path) -> None:
    """The same in any system: no file may grow beyond a limit, the catalog or a release."""
    settings = Settings(home=tmp_path / "home", keys=tmp_path / "keys", min_free_disk_gib=0)
    create_keyring(tmp_path / "keys")
    write_all(settings.landing, (*reference_lists(), *of_month(MAY)))
    release = run_once(settings).release_id
    write_all(settings.landing, june_without_order())
    for limit in (64 * 1024, 1024 * 1024):
        process = start(settings, "-c", LIMITED, str(limit))
        _, errors = process.communicate()
        assert process.returncode == 1
        assert_is_a_message_for_people(errors)
        current = (settings.published / "current").resolve()
        assert current.name == release
        assert len(analyst_content(current)["core.encounter"]) == PERSONS
    run_once(settings)
    content = analyst_content(settings.published / "current")
    assert len(content["core.encounter"]) == 2 * PERSONS


def test_a_run_refuses_to_start_with_too_little_room(settings: Settings) -> None:
    write_all(settings.landing, deliveries())
    greedy = settings.model_copy(update={"min_free_disk_gib": 1e9})
    with (
        pytest.raises(SettingsError, match="TIETOALLAS_MIN_FREE_DISK_GIB"),
        pipeline.open_session(greedy),
    ):
        pass
    assert not (settings.lake / "catalog.sqlite").exists()


@pytest.mark.parametrize("kind", [errno.ENOSPC, errno.EDQUOT, errno.EFBIG])
def test_a_disk_that_fills_up_while_a_release_is_written_is_named_as_such(
    settings: Settings, kind: int
) -> None:
    with pytest.raises(SettingsError, match="the disk is full"), pipeline.open_session(settings):
        raise OSError(kind, os.strerror(kind))


def landed(settings: Settings) -> Path:
    """One good delivery of encounters, after the lists it refers to."""
    write_all(settings.landing, reference_lists())
    return write(settings.landing, next(s for s in of_month(MAY) if s.key == ENCOUNTERS))


def refusals(settings: Settings) -> list[str]:
    with pipeline.open_session(settings) as session:
        return [refusal.message for refusal in pipeline.ingest(session, report=silent).refusals]


def taken_in(settings: Settings) -> list[str]:
    with pipeline.open_session(settings) as session:
        rows = session.lake.rows("select table_name from ops.delivery order by all")
        return [table for (table,) in rows]


def test_a_file_that_cannot_be_read_is_refused_and_the_others_are_taken_in(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = landed(settings)
    with monkeypatch.context() as patch:
        patch.setattr(os, "open", refusing(file, os.open))
        [message] = refusals(settings)
    assert "cannot be read (Permission denied)" in message
    assert "[rule file.unreadable]" in message
    assert taken_in(settings) == ["municipalities", "sites"]
    assert refusals(settings) == []
    assert taken_in(settings) == ["encounters", "municipalities", "sites"]


def refusing(file: Path, real: Callable[..., int]) -> Callable[..., int]:
    """`os.open` as for someone who may not read a file; nothing is forbidden to root."""

    def open_others(path: Any, *arguments: Any, **named: Any) -> int:
        if Path(path) == file:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
        return real(path, *arguments, **named)

    return open_others


def test_a_file_that_vanishes_is_refused_and_the_others_are_taken_in(settings: Settings) -> None:
    file = landed(settings)

    def vanish(step: str) -> None:
        if step == "delivery committed":
            file.unlink(missing_ok=True)

    with pipeline.open_session(settings, on_step=vanish) as session:
        ingested = pipeline.ingest(session, report=silent)
    assert ["[rule file.unreadable]" in refusal.message for refusal in ingested.refusals] == [True]
    assert taken_in(settings) == ["municipalities", "sites"]


@pytest.mark.parametrize("target", ["nowhere", "municipalities_20170101.csv"])
def test_a_link_is_not_followed(settings: Settings, target: str) -> None:
    file = landed(settings)
    file.rename(file.with_name("encounters_201705.csv.part"))
    file.symlink_to(file.parents[2] / "reference" / "municipalities" / target)
    [message] = refusals(settings)
    assert "is not a plain file" in message
    assert taken_in(settings) == ["municipalities", "sites"]
    assert file.is_symlink()


def test_a_named_pipe_does_not_hold_up_the_run(settings: Settings) -> None:
    file = landed(settings)
    file.unlink()
    os.mkfifo(file)
    refusals(settings)
    assert taken_in(settings) == ["municipalities", "sites"]


def test_a_file_under_a_temporary_name_waits_until_it_has_its_own(settings: Settings) -> None:
    file = landed(settings)
    with pipeline.open_session(settings) as session:
        for suffix in (".part", ".tmp", ".filepart", ".crdownload"):
            unfinished = file.rename(file.with_name(file.name + suffix))
            ingested = pipeline.ingest(session, report=silent)
            assert (ingested.refusals, ingested.unfinished_count) == ((), 1), suffix
            assert unfinished.rename(file).exists()
        assert session.lake.count("select count(*) from staging.encounters") == 0
    assert refusals(settings) == []
    assert taken_in(settings) == ["encounters", "municipalities", "sites"]


@pytest.mark.parametrize("step", ["bytes in the vault", "gate passed"])
def test_a_file_still_being_written_is_refused_and_taken_in_by_the_next_run(
    settings: Settings, step: str
) -> None:
    file = landed(settings)
    whole = file.read_bytes()
    half = whole.splitlines(keepends=True)
    file.write_bytes(b"".join(half[:4]))

    def write_on(name: str) -> None:
        if name == step and file.exists():
            file.write_bytes(whole)

    with pipeline.open_session(settings, on_step=write_on) as session:
        # Only this file is in landing once the lists are in.
        [refusal] = pipeline.ingest(session, only=ENCOUNTERS, report=silent).refusals
        assert "[rule file.being_written]" in refusal.message
        assert session.lake.count("select count(*) from ops.delivery") == 0
        assert session.lake.count("select count(*) from staging.encounters") == 0
    assert file.read_bytes() == whole
    assert refusals(settings) == []
    with pipeline.open_session(settings) as session:
        received = session.lake.value(
            "select received_count from ops.delivery where table_name = 'encounters'"
        )
    assert received == len(half) - 1
    assert not file.exists()


def test_a_home_that_cannot_be_written_is_named_as_such(tmp_path: Path) -> None:
    create_keyring(tmp_path / "keys")
    (tmp_path / "home").write_text("a file where a folder is due")
    settings = Settings(home=tmp_path / "home", keys=tmp_path / "keys")
    with (
        pytest.raises(SettingsError, match="TIETOALLAS_HOME cannot be written"),
        pipeline.open_session(settings),
    ):
        pass
