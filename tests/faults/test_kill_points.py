"""A run that dies after any step, and is started again, ends as if it had never died.

Here: crashes at every step of the protocol, the build and the release, and processes killed at
random moments. Not here: a full disk, a file that cannot be read (`test_disk_and_landing`).
"""

from __future__ import annotations

import random
import time
from collections import Counter
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.lake import checks
from dagster_project.lake.runs import OnStep
from dagster_project.settings import Settings
from dagster_project.vault.keys import create_keyring
from tests.support.deliveries import reference_lists, write_all
from tests.support.homes import silent
from tests.support.runs import (
    Content,
    analyst_content,
    kill_at,
    killed_after,
    lake_content,
    published_digests,
    run_once,
    small_home,
)
from tests.support.small_region import JUNE, MAY, of_month

pytestmark = pytest.mark.usefixtures("few_tables")

KILLS, KILLS_A_HOME = 50, 5
MODELS_OF_EACH_KIND = ("core.encounter", "core.enrolment")
"""By months and whole: at whose steps the normal tier crashes; the deep one does at all."""
READ_AHEAD = frozenset({"bytes in the vault", "records read", "new codes found"})
"""Steps of the threads that read deliveries ahead of the one that is being written."""
KILLED_OUTRIGHT = ("rows written", "core.encounter written")
"""Steps at which a Python without time to clean up leaves files that no commit names."""


class Crash(BaseException):
    """What nothing in the product may catch and carry on from."""


@dataclass(frozen=True)
class Standing:
    """What stands after a run that ended well."""

    lake: Content
    published: dict[str, str]
    analysts: Content
    deliveries: frozenset[str]


@dataclass(frozen=True)
class Calm:
    """A run that nothing disturbed: its keys, the steps it took, what it left."""

    keys: Path
    steps: tuple[str, ...]
    standing: Standing
    seconds: float


def standing(settings: Settings) -> Standing:
    current = settings.published / "current"
    return Standing(
        lake=lake_content(settings),
        published=published_digests(current),
        analysts=analyst_content(current),
        deliveries=frozenset(blobs(settings)),
    )


def blobs(settings: Settings) -> dict[str, tuple[int, int]]:
    """Inode and time of change of every file among the vault's deliveries."""
    files = (settings.vault / "deliveries").iterdir()
    return {f.name: (f.stat().st_ino, f.stat().st_mtime_ns) for f in files}


@pytest.fixture(scope="module")
def calm(tmp_path_factory: pytest.TempPathFactory) -> Calm:
    folder = tmp_path_factory.mktemp("calm")
    create_keyring(folder / "keys")
    settings = small_home(folder, folder / "keys")
    steps: list[str] = []
    started = time.monotonic()
    run_once(settings, on_step=steps.append)
    seconds = time.monotonic() - started
    return Calm(folder / "keys", tuple(steps), standing(settings), seconds)


def crash_after(step: str, *, occurrence: int) -> OnStep:
    """Raise when the step is reached for the so-manieth time."""
    seen: Counter[str] = Counter()

    def on_step(name: str) -> None:
        seen[name] += 1
        if (name, seen[name]) == (step, occurrence):
            raise Crash

    return on_step


def crash(settings: Settings, step: str, *, occurrence: int = 1) -> None:
    with pytest.raises(Crash):
        run_once(settings, on_step=crash_after(step, occurrence=occurrence))


def assert_both_laws_were_checked_and_hold(settings: Settings) -> None:
    """By the product's own verdicts in the last green build."""
    with pipeline.open_session(settings) as session:
        verdicts = session.lake.rows(
            "select check_id, status from ops.check_result where check_id like '%is_conserved'"
            " and run_id = (select arg_max(run_id, build_id) from ops.build)"
        )
        due = {
            check.id
            for check in checks.due_checks(session.definition.catalogue, session.definition.graph)
            if check.id.endswith("is_conserved")
        }
    assert {check_id for check_id, _ in verdicts} == due
    assert {status for _, status in verdicts} == {"pass", "not_applicable"}


def test_crashes_after_every_kind_of_step_one_after_the_other_leave_no_trace(
    calm: Calm, tmp_path: Path
) -> None:
    """Each attempt goes on from what the last left, and crashes at the next kind of step.

    A lake stands before; what is taken in then restates its rows, links codes, and brings a
    protection order for someone whom it places.
    """
    settings = Settings(home=tmp_path / "home", keys=calm.keys, min_free_disk_gib=0)
    write_all(settings.landing, (*reference_lists(), *of_month(MAY)))
    run_once(settings)
    write_all(settings.landing, of_month(JUNE))
    kinds = [
        step
        for step in dict.fromkeys(calm.steps)
        if not step.startswith(("core.", "mart.")) or step.startswith(MODELS_OF_EACH_KIND)
    ]
    assert len(kinds) >= 20
    assert set(KILLED_OUTRIGHT) <= set(kinds)
    for step in kinds:
        if step in KILLED_OUTRIGHT:
            kill_at(settings, step)
        else:
            crash(settings, step)
    run_once(settings)
    assert standing(settings) == calm.standing
    assert_both_laws_were_checked_and_hold(settings)


def test_a_crash_between_vault_and_lake_leaves_a_delivery_that_the_next_run_takes_up(
    calm: Calm, tmp_path: Path
) -> None:
    settings = small_home(tmp_path, calm.keys)
    crash(settings, "counts checked", occurrence=5)
    left, codes = blobs(settings), identities(settings)
    assert len(left) > len(committed(settings))
    assert codes

    with pipeline.open_session(settings) as session:
        assert not pipeline.ingest(session, report=silent).refusals

    assert {name: blobs(settings)[name] for name in left} == left
    assert set(blobs(settings)) == {f"{sha256}.age" for sha256 in committed(settings)}
    now = identities(settings)
    assert [row for row in now if row in codes] == codes
    assert len({code for code, *_ in now}) == len(now)


def committed(settings: Settings) -> list[str]:
    with pipeline.open_session(settings) as session:
        return [sha256 for (sha256,) in session.lake.rows("select sha256 from ops.delivery")]


def identities(settings: Settings) -> list[tuple[object, ...]]:
    with pipeline.open_session(settings) as session:
        return session.lake.rows("from vault.identity order by all")


@pytest.mark.deep
def test_one_crash_after_any_kind_of_step_leaves_no_trace(calm: Calm, tmp_path: Path) -> None:
    for number, step in enumerate(dict.fromkeys(calm.steps)):
        settings = small_home(tmp_path / str(number), calm.keys)
        crash(settings, step)
        run_once(settings)
        assert standing(settings) == calm.standing, step
        assert_both_laws_were_checked_and_hold(settings)


@pytest.mark.deep
def test_crashes_after_every_step_of_every_group_one_after_the_other_leave_no_trace(
    calm: Calm, tmp_path: Path
) -> None:
    """Of the thread that writes: a reader's crash ahead of it would let it pass steps unmet."""
    settings = small_home(tmp_path, calm.keys)
    met: set[tuple[str, int]] = set()
    crashes = 0
    while crashes_at_the_next_step(settings, met, len(committed(settings))):
        crashes += 1
    assert crashes == len(met) >= len(steps_of_each_group(calm))
    assert standing(settings) == calm.standing
    assert_both_laws_were_checked_and_hold(settings)


def steps_of_each_group(calm: Calm) -> set[tuple[str, int]]:
    """Steps of the thread that writes, told apart by how many groups are in by then."""
    commits = accumulate(step == "delivery committed" for step in calm.steps)
    return {
        (step, count)
        for step, count in zip(calm.steps, commits, strict=True)
        if step not in READ_AHEAD
    }


def crashes_at_the_next_step(
    settings: Settings, met: set[tuple[str, int]], committed_count: int
) -> bool:
    """Crash at the first step not met before, told apart by how many deliveries are in by then."""
    seen = committed_count

    def on_step(name: str) -> None:
        nonlocal seen
        seen += name == "delivery committed"
        if name not in READ_AHEAD and (name, seen) not in met:
            met.add((name, seen))
            raise Crash

    try:
        run_once(settings, on_step=on_step)
    except Crash:
        return True
    return False


@pytest.mark.deep
def test_fifty_runs_killed_at_random_moments_leave_no_trace(calm: Calm, tmp_path: Path) -> None:
    moments = random.Random(20170503)
    kills = homes = 0
    while kills < KILLS:
        settings = small_home(tmp_path / str(homes), calm.keys)
        homes += 1
        kills += sum(
            killed_after(settings, moments.uniform(1.0, 1.0 + calm.seconds))
            for _ in range(KILLS_A_HOME)
        )
        run_once(settings)
        assert standing(settings) == calm.standing
        assert_both_laws_were_checked_and_hold(settings)
