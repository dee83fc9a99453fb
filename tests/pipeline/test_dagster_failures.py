"""What fails in Dagster: how far it reaches, what still stands, and what may be said of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg
import pytest

from dagster_project import pipeline
from dagster_project.contracts.model import Catalogue, Dimension, Severity
from dagster_project.lake import builds, checks
from dagster_project.lake.check_model import Check
from dagster_project.pipeline import Definition
from dagster_project.settings import Settings
from dagster_project.sql_models import ModelGraph
from dagster_project.vault.keys import create_keyring
from tests.support.dagster_runs import Ran, bytes_kept, codes_in, execute, kept_instance
from tests.support.deliveries import ENCOUNTERS, write_all
from tests.support.runs import small_home
from tests.support.small_region import CODES, deliveries

pytestmark = pytest.mark.usefixtures("few_tables")

PERSONS = [
    ("staging", "residents"),
    ("staging", "municipalities"),
    ("core", "municipality"),
    ("core", "register_month"),
    ("core", "person_link"),
    ("core", "person_alias"),
    ("core", "person"),
    ("core", "residence"),
    ("core", "person_month"),
    ("ops", "build"),
    ("published", "release"),
]
"""Assets of a short run: what stands on the register of residents."""
ON_PERSON = {"core__person_month", "ops__build", "published__release"}


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
    ran = execute(small, "refresh", only=PERSONS)

    assert ran.failures.keys() == {"core__person"}
    assert not ran.verdicts("core", "person")["holds"].passed
    assert not ran.begun & ON_PERSON
    assert "core__residence" in ran.succeeded
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
    ran = execute(small, "refresh", only=PERSONS, definition=with_broken("core.person"))

    assert ran.failures.keys() == {"core__person"}
    assert "core.person cannot be built" in ran.failures["core__person"]
    assert not ran.begun & ON_PERSON
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


@dataclass(frozen=True)
class Troubled:
    """A run that met a refused delivery, a file astray and an unforeseen error."""

    settings: Settings
    ran: Ran
    kept: bytes
    """All that Dagster kept of it."""
    refused: Path


@pytest.fixture(scope="module")
def troubled(tmp_path_factory: pytest.TempPathFactory) -> Troubled:
    """Each of the three holds a person's code where its message could tell it."""
    folder = tmp_path_factory.mktemp("troubled")
    create_keyring(folder / "keys")
    settings = small_home(folder, folder / "keys")
    refused = without_header(settings.landing / ENCOUNTERS / "encounters_201706.csv")
    (settings.landing / "apotti" / f"{CODES[0]} Virtanen.csv").write_text("who?")
    with pytest.MonkeyPatch.context() as patch, kept_instance(settings) as instance:
        patch.setattr(builds, "build_model", fail_with_a_code)
        only = [
            ("ops", "landing"),
            ("staging", "encounters"),
            ("staging", "sites"),
            ("core", "site"),
        ]
        ran = execute(settings, "refresh", instance=instance, only=only)
    return Troubled(settings, ran, bytes_kept(settings), refused)


def without_header(delivered: Path) -> Path:
    """A delivery of July whose first line is a row of June's, so that codes stand for headers."""
    refused = delivered.with_name("encounters_201707.csv")
    lines = delivered.read_text(encoding="utf-8-sig").splitlines()
    refused.write_text("\n".join(lines[1:]) + "\n", encoding="utf-8-sig")
    return refused


def fail_with_a_code(*_: object, **__: object) -> None:
    """Fail as a library might: the value is in the error and in its cause."""
    try:
        int(CODES[0])
    except ValueError as error:
        raise RuntimeError(f"cannot convert {CODES[1]}") from error


def test_a_refused_delivery_is_told_after_the_good_ones_are_in(troubled: Troubled) -> None:
    counts = troubled.ran.counts("staging", "encounters")
    verdict = troubled.ran.verdicts("staging", "encounters")["deliveries_are_taken_in"]
    message = troubled.ran.failures["ops__landing"]

    assert (counts["deliveries"], counts["refused"]) == (2, 1)
    assert not verdict.passed
    assert not verdict.blocking
    assert "staging__encounters" in troubled.ran.succeeded
    assert "apotti/encounters 201707" in message
    assert "[rule file.header" in message
    assert troubled.refused.exists()
    assert outcomes(troubled.settings) == ["failed"]


def test_a_file_astray_is_a_failure_of_its_own(troubled: Troubled) -> None:
    assert "1 files in landing (1 by file.folder)" in troubled.ran.failures["ops__landing"]
    assert "staging__sites" in troubled.ran.succeeded


def test_of_an_unforeseen_error_the_kind_and_place_are_told(troubled: Troubled) -> None:
    assert "RuntimeError in test_dagster_failures.py" in troubled.ran.failures["core__site"]


def test_no_failure_leaves_a_code_or_a_file_name_in_dagsters_home(troubled: Troubled) -> None:
    assert b"RuntimeError in test_dagster_failures.py" in troubled.kept
    assert codes_in(troubled.kept) & set(CODES) == set()
    assert b"Virtanen" not in troubled.kept


def test_a_run_beside_another_writer_fails_and_says_so(small: Settings) -> None:
    with dg.DagsterInstance.ephemeral() as instance, pipeline.open_session(small):
        ran = execute(small, "maintenance", instance=instance)
        logs = [str(record) for record in instance.all_logs(ran.result.run_id)]

    assert not ran.result.success
    assert ran.succeeded == set()
    assert any("another run is writing to this lake" in log for log in logs)


def test_a_protection_order_hides_places_in_tables_that_brought_nothing_new(
    settings: Settings,
) -> None:
    """The order comes with June's register, after May's encounters were taken in."""
    *first, june, _ = deliveries()
    only = [("staging", "residents"), ("staging", "encounters")]
    write_all(settings.landing, first)
    assert execute(settings, "ingest", only=only).failures == {}
    write_all(settings.landing, [june])
    ran = execute(settings, "ingest", only=only)

    hidden = ran.verdicts("staging", "encounters")["protected_have_no_place"]
    assert (hidden.passed, hidden.metadata["checked"].value) == (True, 1)
    with pipeline.open_session(settings) as session:
        rows = session.lake.rows(
            "select site_id is null, count(*) from staging.encounters group by all"
        )
    assert sorted(rows) == [(False, 5), (True, 1)]
