"""A settlement is worked out again byte by byte, whatever has become of the lake since.

Here: snapshots expired, a person erased, a home restored, a catalog moved. Not here: how a
settlement is made (`tests/spec/test_settlement.py`).
"""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from dagster_project import backup, pipeline, rights
from dagster_project.cli import app
from dagster_project.lake import maintenance
from dagster_project.publish.release import publish
from dagster_project.settings import Settings
from dagster_project.settlement.runs import recompute
from tests.support.homes import silent
from tests.support.identity import code
from tests.support.paid_region import paid_home
from tests.support.postgres import postgres_server
from tests.support.runs import NOW, copied

pytestmark = pytest.mark.deep
Digests = list[tuple[int, str]]


@pytest.fixture(scope="module")
def settled(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """Two months settled, the second with a correction of the first; no test changes it."""
    return paid_home(tmp_path_factory.mktemp("settled"))


@pytest.fixture
def home(settled: Settings, tmp_path: Path) -> Settings:
    """A copy that a test may change."""
    return copied(settled, tmp_path / "home")


def digests(settings: Settings) -> Digests:
    """Runs with the digests that they had when they were settled."""
    with pipeline.open_session(settings) as session:
        return session.lake.rows(
            "select capitation_run_id, ledger_sha256 from mart.capitation_run order by all"
        )


def assert_recomputes(settings: Settings, before: Digests) -> None:
    with pipeline.open_session(settings) as session:
        again = [recompute(session.lake, run_id) for run_id, _ in before]
    assert all(done.is_equal for done in again), again
    assert [(done.capitation_run_id, done.ledger_sha256) for done in again] == before


def test_the_second_month_corrects_the_first(settled: Settings) -> None:
    with pipeline.open_session(settled) as session:
        corrected = session.lake.rows(
            "select is_shadow, reason_code, sum(person_days) from mart.capitation_adjustment"
            " group by all order by all"
        )
        lines = session.lake.count("select count(*) from mart.capitation_line")
    assert corrected == [(False, "late_enrolment", 30), (True, "late_enrolment", -30)]
    assert lines > 10


def test_after_old_snapshots_have_expired(home: Settings) -> None:
    before = digests(home)
    with pipeline.open_session(home, now=lambda: NOW) as session:
        done = maintenance.maintain(session.lake, session.run, retain_days=0)
    assert done.expired_snapshot_count > 10
    assert_recomputes(home, before)


def test_after_a_restore_from_backup(home: Settings, tmp_path: Path) -> None:
    before = digests(home)
    with pipeline.open_session(home, now=lambda: NOW) as session:
        backup.back_up(session, tmp_path / "saved")
    other = home.model_copy(update={"home": tmp_path / "other"})
    backup.restore(tmp_path / "saved", other)
    assert_recomputes(other, before)


def test_after_a_person_was_erased_whose_days_stay(home: Settings) -> None:
    before = digests(home)
    with pipeline.open_session(home, now=lambda: NOW) as session:
        person = session.identities.person_of(code(0))
        days = session.lake.count("select sum(person_days) from ledger.frozen_list")
        publish(session)
        rights.erase_person(session, code(0), actor="tester", purpose="asked", report=silent)
        assert person is not None
        for table in ("frozen_list", "frozen_change", "frozen_act", "frozen_act_change"):
            named = f"select count(*) from ledger.{table} where person_id = ?"
            assert session.lake.count(named, [person]) == 0
        assert session.lake.count("select sum(person_days) from ledger.frozen_list") == days
    assert_recomputes(home, before)


def test_after_the_catalog_moved_to_postgresql(
    home: Settings, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = digests(home)
    with postgres_server(tmp_path) as target:
        monkeypatch.setenv("TIETOALLAS_HOME", str(home.home))
        monkeypatch.setenv("TIETOALLAS_NEW_CATALOG", target)
        done = CliRunner().invoke(app, ["move-catalog"])
        assert (done.exit_code, target in done.output) == (0, False), done.output
        (home.lake / "catalog.sqlite").rename(tmp_path / "no_more.sqlite")
        moved = home.model_copy(update={"catalog": target})
        assert digests(moved) == before
        assert_recomputes(moved, before)
