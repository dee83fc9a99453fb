"""The definitions: whole, in step with contracts and models, and loaded without touching data."""

from __future__ import annotations

import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import dagster as dg
import pytest
from dagster import DefaultScheduleStatus, DefaultSensorStatus

from dagster_project.assets.keys import ancestors
from dagster_project.contracts.model import Severity
from dagster_project.definitions import defs
from dagster_project.lake.checks import all_checks
from dagster_project.pipeline import load_definition
from dagster_project.settings import PROJECT_ROOT

DEFINITION = load_definition()
CATALOGUE, GRAPH = DEFINITION.catalogue, DEFINITION.graph
REPOSITORY = defs.get_repository_def()
ASSETS = REPOSITORY.asset_graph

LOAD = """
import duckdb
def refuse(*args, **kwargs):
    raise AssertionError("a database was opened")
duckdb.connect = refuse
import dagster_project.definitions
"""


def keys(prefix: str) -> set[str]:
    """Last part of every asset key with a prefix."""
    return {key.path[-1] for key in ASSETS.get_all_asset_keys() if key.path[0] == prefix}


def python(*arguments: str, home: Path) -> subprocess.CompletedProcess[str]:
    """A fresh Python whose data would live in `home`."""
    environment = os.environ | {
        "TIETOALLAS_HOME": str(home),
        "DAGSTER_HOME": "",
        "PYTHONPATH": str(PROJECT_ROOT),
    }
    return subprocess.run(
        [sys.executable, *arguments],
        env=environment,
        cwd=home.parent,
        capture_output=True,
        text=True,
        check=False,
    )


def test_loading_touches_no_data(tmp_path: Path) -> None:
    loaded = python("-c", LOAD, home=tmp_path / "home")

    assert loaded.returncode == 0, loaded.stderr
    assert list(tmp_path.iterdir()) == []


def test_dagster_finds_them_valid(tmp_path: Path) -> None:
    arguments = ("definitions", "validate", "-m", "dagster_project.definitions")
    validated = python("-m", "dagster", *arguments, home=tmp_path / "home")

    assert validated.returncode == 0, validated.stdout + validated.stderr
    assert not (tmp_path / "home").exists()


def test_every_contract_has_its_asset_and_every_asset_its_contract() -> None:
    assert keys("staging") == {CATALOGUE.latest(key).table for key in CATALOGUE.tables()}


@pytest.mark.parametrize("schema", ["core", "mart"])
def test_every_model_has_its_asset_and_every_asset_its_model(schema: str) -> None:
    assert keys(schema) == {path.stem for path in (PROJECT_ROOT / "sql" / schema).glob("*.sql")}


def test_an_asset_rests_on_every_delivered_table_that_its_model_rests_on() -> None:
    above = ancestors(DEFINITION)
    for model in GRAPH.models:
        tables = {k.path[1] for k in above[dg.AssetKey(model.full_name.split("."))]}
        assert tables >= GRAPH.sources(model) & keys("staging"), model.full_name


def test_parents_in_dagster_are_what_the_model_reads() -> None:
    parents = ASSETS.get(dg.AssetKey(["core", "diagnosis"])).parent_keys

    assert {key.to_user_string() for key in parents} == {
        "core/encounter",
        "core/person_alias",
        "core/site",
        "staging/diagnoses",
        "staging/encounters",
    }


def test_the_green_build_rests_on_every_model_and_the_release_on_the_build() -> None:
    models = {dg.AssetKey(model.full_name.split(".")) for model in GRAPH.models}

    assert ASSETS.get(dg.AssetKey(["ops", "build"])).parent_keys == models
    assert ASSETS.get(dg.AssetKey(["published", "release"])).parent_keys == {
        dg.AssetKey(["ops", "build"])
    }


def test_every_check_of_the_lake_hangs_on_its_own_table() -> None:
    due = Counter(
        (check.table.replace('"', "").replace(".", "/"), check.id.split(".")[-1])
        for check in all_checks(CATALOGUE)
    )
    found = Counter((c.asset_key.to_user_string(), c.name) for c in ASSETS.asset_check_keys)

    assert max(due.values()) == 1
    assert due - found == Counter()
    assert {name for _, name in found - due} == {
        "arrives_as_promised",
        "deliveries_are_taken_in",
    }


def test_checks_of_error_severity_block_but_where_they_read_what_is_built_later() -> None:
    """The build runs those that cannot: see test_dagster_failures."""
    specs = [ASSETS.get_check_spec(key) for key in ASSETS.asset_check_keys]
    blocking = {s.metadata["id"] for s in specs if s.blocking and "id" in (s.metadata or {})}
    errors = [check for check in all_checks(CATALOGUE) if check.severity is Severity.ERROR]
    others = [check for check in errors if check.id not in blocking]

    assert others
    later = ("core.unresolved", 'staging."flags"')
    assert [c.id for c in others if not any(name in c.violated_sql for name in later)] == []


def test_everything_that_opens_the_lake_waits_for_the_one_writer() -> None:
    nodes = [
        node
        for name in ("refresh", "maintenance")
        for node in REPOSITORY.get_job(name).all_node_defs
        if isinstance(node, dg.OpDefinition)
    ]

    assert len(nodes) > len(GRAPH.models)
    assert {node.name: node.pool for node in nodes if node.pool != "lake_writer"} == {}


@pytest.mark.parametrize("job", ["ingest", "build", "refresh", "maintenance"])
def test_jobs_run_in_one_process(job: str) -> None:
    assert REPOSITORY.get_job(job).executor_def is dg.in_process_executor


def test_nothing_starts_by_itself() -> None:
    assert {s.default_status for s in REPOSITORY.sensor_defs} == {DefaultSensorStatus.STOPPED}
    assert {s.default_status for s in REPOSITORY.schedule_defs} == {DefaultScheduleStatus.STOPPED}


def test_schedules_keep_helsinki_time_and_shun_the_hour_that_clocks_skip() -> None:
    times = {s.name: (s.cron_schedule, s.execution_timezone) for s in REPOSITORY.schedule_defs}

    assert times == {
        "nightly_refresh": ("15 2 * * *", "Europe/Helsinki"),
        "nightly_quality": ("30 4 * * *", "Europe/Helsinki"),
        "weekly_maintenance": ("30 5 * * 0", "Europe/Helsinki"),
        "monthly_risk_scoring": ("30 6 8 * *", "Europe/Helsinki"),
    }


def test_a_delivered_table_shows_the_columns_of_the_lake_and_none_of_the_vault() -> None:
    schema = ASSETS.get(dg.AssetKey(["staging", "residents"])).metadata["dagster/column_schema"]
    assert isinstance(schema, dg.TableSchemaMetadataValue)
    columns = {column.name: column for column in schema.schema.columns}

    assert "has_protection_order" not in columns
    assert columns["person_id"].type == "BIGINT"
    assert columns["birth_date"].type == "DATE"
    assert list(columns)[-2:] == ["delivery_sequence", "record_number"]
    assert all(column.description for column in columns.values())
