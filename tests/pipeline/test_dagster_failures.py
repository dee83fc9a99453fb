"""What fails in Dagster: how far it reaches, what still stands, and what may be said of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from dagster_project import pipeline
from dagster_project.contracts.model import Catalogue, Dimension, Severity
from dagster_project.lake import builds, checks
from dagster_project.lake.checks import Check
from dagster_project.pipeline import Definition
from dagster_project.settings import Settings
from dagster_project.sql_models import ModelGraph
from tests.support.dagster_runs import bytes_kept, codes_in, execute, kept_instance
from tests.support.deliveries import ENCOUNTERS, write_all
from tests.support.runs import small_home
from tests.support.small_region import CODES, deliveries

LATER = ("core__person_month", "mart__enrolled_by_provider", "ops__build", "published__release")


@pytest.fixture
def small(settings: Settings, tmp_path: Path) -> Settings:
    """A home in which the deliveries of six people have landed."""
    assert settings.keys
    return small_home(tmp_path, settings.keys)


def outcomes(settings: Settings) -> list[str]:
    """Of all runs, oldest first."""
    with pipeline.open_session(settings) as session:
        rows = session.lake.rows("select outcome from ops.run order by started_at, run_id")
        return [outcome for (outcome,) in rows]


def add_check(patch: pytest.MonkeyPatch, table: str, violated_sql: str) -> None:
    """One more check of error severity on a table."""
    extra = Check(
        id=f"{table}.holds",
        table=table,
        dimension=Dimension.PLAUSIBILITY,
        severity=Severity.ERROR,
        violated_sql=violated_sql,
        checked_sql="select 6",
        description="what this test asks for",
    )
    own = checks.all_checks

    def with_extra(catalogue: Catalogue) -> tuple[Check, ...]:
        return (*own(catalogue), extra)

    patch.setattr(checks, "all_checks", with_extra)


@pytest.mark.parametrize("violated_sql", ["select 2", "select no_such_column from core.person"])
def test_a_check_that_fails_or_cannot_be_run_stops_all_that_rests_on_its_table(
    small: Settings, monkeypatch: pytest.MonkeyPatch, violated_sql: str
) -> None:
    add_check(monkeypatch, "core.person", violated_sql)
    ran = execute(small, "refresh")

    assert ran.failures.keys() == {"core__person"}
    assert not ran.verdicts("core", "person")["holds"].passed
    assert not ran.begun & set(LATER)
    assert {"core__site", "core__encounter", "mart__visits_by_profession"} <= ran.succeeded
    assert not (small.published / "current").exists()
    assert outcomes(small) == ["blocked by a check"]


def test_a_check_that_reads_what_is_built_later_stops_the_build(
    small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    add_check(monkeypatch, "core.encounter", "select count(*) from core.person")
    ran = execute(small, "refresh")

    assert not ran.verdicts("core", "encounter")["holds"].passed
    assert ran.failures.keys() == {"ops__build"}
    assert "core.encounter.holds: fail, 6 of 6" in ran.failures["ops__build"]
    assert "published__release" not in ran.begun
    assert outcomes(small) == ["blocked by a check"]


def test_a_model_that_cannot_be_built_stops_what_rests_on_it_and_the_next_run_goes_on(
    small: Settings,
) -> None:
    ran = execute(small, "refresh", definition=with_broken("core.person"))

    assert ran.failures.keys() == {"core__person"}
    assert "core.person cannot be built" in ran.failures["core__person"]
    assert not ran.begun & set(LATER)
    assert outcomes(small) == ["failed"]

    assert execute(small, "refresh").failures == {}
    assert (small.published / "current").exists()


def with_broken(name: str) -> Definition:
    """What is installed, with one model that does not run."""
    definition = pipeline.load_definition()
    graph = definition.graph
    models = tuple(
        replace(m, sql=m.sql + " where no_such_column") if m.full_name == name else m
        for m in graph.models
    )
    return replace(definition, graph=ModelGraph(models, graph.fingerprints))


def test_a_refused_delivery_fails_its_table_after_the_good_ones_are_in(small: Settings) -> None:
    """Its header is a row, so every name of a column in it is a person's."""
    refused = small.landing / ENCOUNTERS / "encounters_201707.csv"
    june = refused.with_name("encounters_201706.csv").read_text(encoding="utf-8-sig")
    refused.write_text("\n".join(june.splitlines()[1:]) + "\n", encoding="utf-8-sig")
    with kept_instance(small) as instance:
        ran = execute(small, "ingest", instance=instance)

    assert ran.failures.keys() == {"staging__encounters"}
    assert "apotti/encounters 201707" in ran.failures["staging__encounters"]
    assert "[rule file.header" in ran.failures["staging__encounters"]
    counts = ran.counts("staging", "encounters")
    assert (counts["deliveries"], counts["refused"]) == (2, 1)
    assert outcomes(small) == ["failed"]
    assert codes_in(bytes_kept(small)) & set(CODES) == set()
    assert refused.exists()


def test_a_file_astray_fails_the_run_and_stops_nothing(small: Settings) -> None:
    astray = small.landing / "apotti" / f"{CODES[0]} Virtanen.csv"
    astray.write_text("who?")
    with kept_instance(small) as instance:
        ran = execute(small, "refresh", instance=instance)

    assert ran.failures.keys() == {"ops__landing"}
    assert "1 files in landing (1 by file.folder)" in ran.failures["ops__landing"]
    assert "published__release" in ran.succeeded
    kept = bytes_kept(small)
    assert codes_in(kept) & set(CODES) == set()
    assert b"Virtanen" not in kept


def test_the_text_of_an_unforeseen_error_stays_out_of_dagsters_home(
    small: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        try:
            int(CODES[0])
        except ValueError as error:
            raise RuntimeError(f"cannot convert {CODES[1]}") from error

    monkeypatch.setattr(builds, "build_model", fail)
    with kept_instance(small) as instance:
        ran = execute(small, "build", instance=instance, only=[("core", "site")])

    assert "RuntimeError in test_dagster_failures.py" in ran.failures["core__site"]
    kept = bytes_kept(small)
    assert b"RuntimeError in test_dagster_failures.py" in kept
    assert codes_in(kept) & set(CODES) == set()


def test_a_run_beside_another_writer_fails_and_says_so(
    small: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    with dg.DagsterInstance.ephemeral() as instance, pipeline.open_session(small):
        ran = execute(small, "maintenance", instance=instance)

    assert not ran.result.success
    assert ran.succeeded == set()
    assert "another run is writing to this lake" in caplog.text


def test_a_protection_order_hides_places_in_tables_that_brought_nothing_new(
    settings: Settings,
) -> None:
    """The order comes with June's register, after May's encounters were taken in."""
    first, later = deliveries()[:-2], deliveries()[-2:-1]
    write_all(settings.landing, first)
    assert execute(settings, "ingest").failures == {}
    write_all(settings.landing, later)
    ran = execute(settings, "ingest")

    hidden = ran.verdicts("staging", "encounters")["protected_have_no_place"]
    assert (hidden.passed, hidden.metadata["checked"].value) == (True, 1)
    with pipeline.open_session(settings) as session:
        placeless = session.lake.count(
            "select count(*) from staging.encounters where site_id is null"
        )
    assert placeless == 1
