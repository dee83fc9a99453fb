"""One writer at a time, and never a lock that outlives its holder."""

from __future__ import annotations

from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.errors import SettingsError
from dagster_project.settings import Settings
from tests.support.runs import command, kill_at, small_home

pytestmark = pytest.mark.usefixtures("few_tables")

REFUSED = "another run is writing to this lake; wait for it to end, then run again"


@pytest.mark.parametrize(
    "arguments", [("run",), ("maintain",), ("status",), ("quarantine", "list")], ids=" ".join
)
def test_a_second_command_is_refused_while_a_run_is_at_work(
    settings: Settings, arguments: tuple[str, ...]
) -> None:
    with pipeline.open_session(settings):
        status, output, errors = command(settings, *arguments)
    assert (status, output, errors) == (1, "", f"error: {REFUSED}\n")


def test_a_second_session_of_the_same_process_is_refused_and_takes_nothing_away(
    settings: Settings,
) -> None:
    with pipeline.open_session(settings) as session:
        spilled = settings.temp / "spilled"
        spilled.touch()
        with pytest.raises(SettingsError, match=REFUSED), pipeline.open_session(settings):
            pass
        assert spilled.exists(), "the refused session emptied the temp folder of the other"
        assert session.lake.count("select count(*) from ops.delivery") == 0


def test_the_lock_is_free_once_its_holder_was_killed(tmp_path: Path) -> None:
    settings = small_home(tmp_path)
    kill_at(settings, "rows written", occurrence=4)
    with pipeline.open_session(settings) as session:
        tables = session.lake.count("select count(distinct table_name) from ops.delivery")
    assert tables == 3
