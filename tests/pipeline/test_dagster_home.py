"""Dagster's home and server: no telemetry, one writer, this machine alone."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import dagster as dg
import pytest
from dagster._core.instance.config import PoolGranularity
from dagster._core.run_coordinator import QueuedRunCoordinator
from dagster._core.storage.event_log import SqliteEventLogStorage

from dagster_project import cli
from dagster_project.settings import PROJECT_ROOT, Settings
from tests.support.dagster_runs import kept_instance

pytestmark = pytest.mark.usefixtures("few_tables")


@pytest.fixture
def instance(settings: Settings) -> Iterator[dg.DagsterInstance]:
    with kept_instance(settings) as instance:
        yield instance


def test_telemetry_is_off_by_the_file_alone(
    instance: dg.DagsterInstance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DAGSTER_DISABLE_TELEMETRY")

    assert not instance.telemetry_enabled


def test_one_run_at_a_time_writes_and_others_wait_in_the_queue(
    instance: dg.DagsterInstance,
) -> None:
    concurrency = instance.get_concurrency_config()

    assert concurrency.pool_config.default_pool_limit == 1
    assert concurrency.pool_config.pool_granularity is PoolGranularity.RUN
    assert concurrency.run_queue_config
    assert concurrency.run_queue_config.max_concurrent_runs == 1
    assert isinstance(instance.run_coordinator, QueuedRunCoordinator)


def test_a_failed_run_is_not_tried_again(instance: dg.DagsterInstance) -> None:
    assert not instance.run_retries_enabled


def test_a_run_whose_machine_stopped_leaves_the_queue_in_time(
    instance: dg.DagsterInstance,
) -> None:
    assert instance.run_monitoring_enabled
    assert 0 < instance.run_monitoring_max_runtime_seconds <= 24 * 3600


def test_nobody_is_asked_for_an_email_address(instance: dg.DagsterInstance) -> None:
    assert not instance.nux_enabled


def test_run_history_lies_in_the_home(instance: dg.DagsterInstance, settings: Settings) -> None:
    assert isinstance(instance.event_log_storage, SqliteEventLogStorage)
    assert Path(instance.root_directory) == settings.dagster_home


@pytest.fixture
def started(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[str], dict[str, str]]:
    """Command and environment that `tietoallas ui` turns into, with paths given from here."""
    found: list[tuple[list[str], dict[str, str]]] = []

    def note(_: str, command: list[str], environment: dict[str, str]) -> None:
        found.append((command, environment))

    assert settings.keys
    monkeypatch.chdir(settings.home.parent)
    monkeypatch.setenv("TIETOALLAS_HOME", settings.home.name)
    monkeypatch.setenv("TIETOALLAS_KEYS", settings.keys.name)
    monkeypatch.setattr(os, "execve", note)
    cli.ui(port=3999)
    return found[0]


def test_the_server_listens_on_this_machine_alone(
    started: tuple[list[str], dict[str, str]],
) -> None:
    command, _ = started

    assert command[1:6] == ["dev", "--host", "127.0.0.1", "--port", "3999"]
    assert Path(command[command.index("--workspace") + 1]) == PROJECT_ROOT / "workspace.yaml"


def test_dagsters_processes_find_the_same_home_from_wherever_they_work(
    started: tuple[list[str], dict[str, str]], settings: Settings
) -> None:
    _, environment = started

    assert environment["TIETOALLAS_HOME"] == str(settings.home)
    assert environment["TIETOALLAS_KEYS"] == str(settings.keys)
    assert environment["DAGSTER_HOME"] == str(settings.dagster_home)
    assert environment["DAGSTER_DISABLE_TELEMETRY"] == "yes"
    assert (settings.dagster_home / "dagster.yaml").exists()
