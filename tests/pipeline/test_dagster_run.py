"""A whole run by Dagster: the same lake as headless, recorded, and telling nobody's data."""

from __future__ import annotations

import re
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.settings import Settings
from dagster_project.synthetic.region import make_deliveries
from tests.support.dagster_runs import (
    Ran,
    bytes_kept,
    codes_in,
    codes_landed,
    execute,
    kept_instance,
)
from tests.support.few_tables import install
from tests.support.homes import new_settings
from tests.support.runs import NOW, lake_content, run_once, small_home

STEPS_OF_OPS = {"ops__landing", "ops__build", "published__release"}


@dataclass(frozen=True)
class Twins:
    """The same deliveries through Dagster and headless, under the same keys."""

    by_dagster: Settings
    headless: Settings
    ran: Ran
    codes: set[str]
    """Identity codes that were delivered."""


@pytest.fixture(scope="module", params=["few tables", pytest.param("all", marks=pytest.mark.deep)])
def twins(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Twins]:
    """The small region over few tables; in the deep tier the synthetic one over all tables too."""
    folder = tmp_path_factory.mktemp("twins")
    with pytest.MonkeyPatch.context() as patch:
        if request.param == "few tables":
            install(patch)
            yield ran_twice(small_home(folder), folder)
        else:
            yield ran_twice(synthetic_home(folder), folder)


def synthetic_home(folder: Path) -> Settings:
    """1 000 residents over three months, both versions of the encounters' contract among them."""
    settings = new_settings(folder)
    make_deliveries(
        settings.landing,
        residents=1_000,
        months=3,
        start_month=201703,
        manifest=folder / "manifest.json",
    )
    return settings


def ran_twice(settings: Settings, folder: Path) -> Twins:
    headless = settings.model_copy(update={"home": folder / "headless"})
    shutil.copytree(settings.landing, headless.landing)
    codes = codes_landed(settings.landing)
    with kept_instance(settings) as instance:
        ran = execute(settings, "refresh", instance=instance)
    run_once(headless)
    return Twins(settings, headless, ran, codes)


def test_every_step_succeeds(twins: Twins) -> None:
    models = pipeline.load_definition().graph.models

    assert twins.ran.failures == {}
    assert twins.ran.succeeded >= STEPS_OF_OPS | {f"{m.schema}__{m.name}" for m in models}


def test_the_lake_is_the_same_row_by_row_as_that_of_the_headless_run(twins: Twins) -> None:
    found, due = lake_content(twins.by_dagster), lake_content(twins.headless)

    assert due["core.encounter"]
    assert due["core.enrolment"]
    assert {table for table in due if found.get(table) != due[table]} == set()


def test_the_release_is_the_same(twins: Twins) -> None:
    bi = "current/internal/bi"
    due = {p.name: p.read_bytes() for p in (twins.headless.published / bi).iterdir()}
    found = {p.name: p.read_bytes() for p in (twins.by_dagster.published / bi).iterdir()}

    assert due
    assert found == due


def test_the_run_is_recorded_under_dagsters_own_id(twins: Twins) -> None:
    run_id = twins.ran.result.run_id
    with pipeline.open_session(twins.by_dagster) as session:
        lake = session.lake
        assert lake.rows("select run_id, outcome, started_at from ops.run") == [
            (run_id, "succeeded", NOW)
        ]
        for table in ("delivery", "delivery_event", "model_build", "build", "check_result"):
            assert lake.rows(f"select distinct run_id from ops.{table}") == [(run_id,)], table


def test_materialisations_carry_the_counts_of_the_register(twins: Twins) -> None:
    with pipeline.open_session(twins.by_dagster) as session:
        deliveries, received, accepted, quarantined, duplicate = session.lake.rows(
            "select count(*), cast(sum(columns('(received|accepted|quarantined|duplicate)_count'))"
            " as integer) from ops.delivery where table_name = 'encounters'"
        )[0]
        encounters = session.lake.count("select count(*) from core.encounter")
    counts = twins.ran.counts("staging", "encounters")

    assert received > accepted > 0
    assert counts["deliveries"] == deliveries
    assert (counts["received"], counts["accepted"]) == (received, accepted)
    assert (counts["quarantined"], counts["duplicate"]) == (quarantined, duplicate)
    assert twins.ran.counts("core", "encounter")["dagster/row_count"] == encounters


def test_checks_carry_a_verdict_and_counts_alone(twins: Twins) -> None:
    evaluations = twins.ran.result.get_asset_check_evaluations()
    of_dagster = {"arrives_as_promised", "deliveries_are_taken_in"}
    of_lake = [e for e in evaluations if e.check_name not in of_dagster]

    assert of_lake
    for evaluation in of_lake:
        values = {name: entry.value for name, entry in evaluation.metadata.items()}
        assert values.keys() == {"status", "violated", "checked"}
        assert isinstance(values["violated"], int)
        assert isinstance(values["checked"], int)
        assert evaluation.passed == (values["status"] in ("pass", "not_applicable"))
    refusals = [e for e in evaluations if e.check_name == "deliveries_are_taken_in"]
    assert {e.metadata["refused"].value for e in refusals} == {0}


def test_the_checks_of_a_table_are_judged_by_its_own_counts(twins: Twins) -> None:
    verdicts = twins.ran.verdicts("staging", "residents")
    conserved = verdicts["received_is_conserved"]

    assert conserved.passed
    assert (
        conserved.metadata["checked"].value
        == twins.ran.counts("staging", "residents")["deliveries"]
    )


def test_nobodys_identity_can_be_read_in_dagsters_home(twins: Twins) -> None:
    kept = bytes_kept(twins.by_dagster)
    with pipeline.open_session(twins.by_dagster) as session:
        persons = {
            str(i).encode() for (i,) in session.lake.rows("from core.person select person_id")
        }

    assert twins.codes
    assert twins.ran.result.run_id.encode() in kept
    assert codes_in(kept) & twins.codes == set()
    assert set(re.findall(rb"\d{9,19}", kept)) & persons == set()


def test_a_second_run_takes_in_nothing_and_builds_nothing(twins: Twins) -> None:
    before = lake_content(twins.by_dagster)
    ran = execute(twins.by_dagster, "refresh")

    assert ran.failures == {}
    assert ran.counts("staging", "encounters")["received"] == 0
    assert ran.counts("core", "encounter")["rebuilt"] == "nothing"
    assert lake_content(twins.by_dagster) == before


def test_one_model_alone_is_built_on_what_stands(twins: Twins) -> None:
    ran = execute(twins.by_dagster, "build", only=[("mart", "visits_by_profession")])

    assert ran.succeeded == {"mart__visits_by_profession"}


def test_maintenance_runs_and_the_lake_still_holds_what_it_held(twins: Twins) -> None:
    before = lake_content(twins.by_dagster)
    ran = execute(twins.by_dagster, "maintenance")

    assert ran.succeeded == {"maintain"}
    assert lake_content(twins.by_dagster) == before
