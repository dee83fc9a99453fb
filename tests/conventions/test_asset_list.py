"""What Dagster lists, against a list that a reviewer reads: nothing comes or goes unseen.

Here: assets and jobs by name. Not here: what they do (`tests/pipeline`).
"""

from __future__ import annotations

from pathlib import Path

from dagster_project.definitions import defs

LIST = Path(__file__).with_name("asset_list.txt")


def listed() -> list[str]:
    repository = defs.get_repository_def()
    graph = repository.asset_graph
    assets = [f"asset {key.to_user_string()}" for key in graph.get_all_asset_keys()]
    checks = [f"check {c.asset_key.to_user_string()}:{c.name}" for c in graph.asset_check_keys]
    jobs = [f"job {name}" for name in repository.job_names if not name.startswith("__")]
    sensors = [f"sensor {sensor.name}" for sensor in repository.sensor_defs]
    schedules = [f"schedule {schedule.name}" for schedule in repository.schedule_defs]
    return sorted([*assets, *checks, *jobs, *sensors, *schedules])


def test_assets_checks_and_jobs_are_those_of_the_checked_in_list() -> None:
    assert listed() == LIST.read_text(encoding="utf-8").splitlines()
