"""Settling and asking of payments from the command line, and a month in Dagster.

Here: commands over a home that is built and settled. Not here: amounts (`tests/spec`).
"""

from __future__ import annotations

import re
from pathlib import Path

import dagster as dg
import duckdb
import pytest
from typer.testing import CliRunner

from dagster_project import pipeline
from dagster_project.assets.keys import SETTLEMENT
from dagster_project.cli import app, prepare_dagster_home
from dagster_project.definitions import build_defs
from dagster_project.errors import TietoallasError
from dagster_project.publish.release import publish
from dagster_project.settings import Settings
from tests.support.paid_region import paid_home
from tests.support.runs import NOW

pytestmark = pytest.mark.deep


@pytest.fixture(scope="module")
def settings(tmp_path_factory: pytest.TempPathFactory) -> Settings:
    return paid_home(tmp_path_factory.mktemp("paid"))


@pytest.fixture
def command(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("TIETOALLAS_HOME", str(settings.home))
    monkeypatch.setenv("TIETOALLAS_KEYS", str(settings.keys))
    monkeypatch.setenv("TIETOALLAS_MIN_FREE_DISK_GIB", "0")
    return CliRunner()


def said(command: CliRunner, *arguments: str) -> str:
    done = command.invoke(app, list(arguments), catch_exceptions=False)
    assert done.exit_code == 0, done.output
    return done.output


def test_runs_are_listed_and_recomputed(command: CliRunner) -> None:
    listed = said(command, "settle", "list")
    assert re.findall(r"reception +(\d{4}-\d\d)", listed) == ["2017-05", "2017-06"]
    assert "byte by byte as the ledger has it" in said(command, "settle", "recompute", "2")


def test_nothing_is_due_twice(command: CliRunner) -> None:
    assert "nothing is due" in said(command, "settle", "run")
    with pytest.raises(TietoallasError, match="2017-06 is closed"):
        said(command, "settle", "run", "--month", "2017-06")


@pytest.mark.parametrize(
    ("language", "words"), [("fi", "Maksetaan"), ("sv", "Betalas"), ("en", "Paid")]
)
def test_a_payment_is_explained(command: CliRunner, language: str, words: str) -> None:
    asked = ("explain", "payment", "--provider", "P1", "--month", "2017-06")
    assert words in said(command, *asked, "--language", language)
    with pytest.raises(TietoallasError, match="P9 has no payment"):
        said(command, "explain", "payment", "--provider", "P9", "--month", "2017-06")
    with pytest.raises(TietoallasError, match="no language 'de'"):
        said(command, *asked, "--language", "de")


def test_a_scheme_is_tried_and_statements_are_written(command: CliRunner, tmp_path: Path) -> None:
    tried = said(command, "settle", "what-if", "--rulebook", "reception_need")
    assert re.search(r"^P1 .*%?", tried, re.MULTILINE)
    said(command, "settle", "statement", "--month", "2017-06", "--output", str(tmp_path))
    files = {p.name for p in (tmp_path / "reception" / "2017-06").iterdir()}
    assert {"P1.xlsx", "P1.parquet", "P2.xlsx", "P2.parquet"} <= files


def test_a_release_holds_the_ledger_and_no_line_of_it_where_many_read(settings: Settings) -> None:
    with pipeline.open_session(settings, now=lambda: NOW) as session:
        publish(session)
        paid = session.lake.rows("from mart.capitation_payment order by all")
    current = (settings.published / "current").resolve()
    controller, internal = current / "controller", current / "internal" / "bi"
    found = duckdb.read_parquet(str(controller / "capitation_payment.parquet")).order("all")
    assert sorted(map(str, found.fetchall())) == sorted(map(str, paid))
    assert (controller / "capitation_line.parquet").stat().st_mode & 0o077 == 0
    assert (internal / "capitation_payment.parquet").exists()
    assert not (internal / "capitation_line.parquet").exists()
    dictionary = duckdb.read_parquet(str(internal / "data_dictionary.parquet"))
    assert ("ledger", "frozen_list") in set(dictionary.select('source, "table"').fetchall())


def test_dagster_settles_a_month_once(settings: Settings) -> None:
    """July is not covered by any delivery, June is closed: both fail, and say so."""
    prepare_dagster_home(settings)
    defs = build_defs(settings, now=lambda: NOW)
    with dg.DagsterInstance.ephemeral() as instance:
        for month, words in (("2017-07-01", "covers days to"), ("2017-06-01", "closed")):
            done = defs.resolve_job_def("settle").execute_in_process(
                instance=instance, partition_key=month, raise_on_error=False
            )
            (failure,) = done.get_step_failure_events()
            assert words in failure.step_failure_data.error_display_string
    assert SETTLEMENT in defs.resolve_asset_graph().get_all_asset_keys()
