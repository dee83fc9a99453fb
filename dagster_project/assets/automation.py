"""What runs together, and when: jobs, the landing sensor, schedules.

All start stopped. Here: selections, times, and when a delivery is new and whole. Not here: assets.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import dagster as dg

from dagster_project.assets.keys import EXPECTATIONS, RISK_MODELS, RISK_SCORES, SETTLEMENT
from dagster_project.assets.lake_run import POOL, LakeRun
from dagster_project.lake import maintenance
from dagster_project.pipeline import Definition
from dagster_project.settings import Settings
from dagster_project.sources.landing import survey

TIME_ZONE = "Europe/Helsinki"


def refresh_job() -> dg.UnresolvedAssetJobDefinition:
    """Everything, from landing to release; suites, settlement and risk have jobs of their own."""
    apart = dg.AssetSelection.assets(EXPECTATIONS, SETTLEMENT, RISK_MODELS, RISK_SCORES)
    return dg.define_asset_job(
        "refresh",
        selection=dg.AssetSelection.all() - apart,
        description="Take in what lies in landing, build, check and publish.",
    )


def asset_job(
    name: str, assets: Sequence[dg.AssetsDefinition], description: str
) -> dg.UnresolvedAssetJobDefinition:
    """A job over some assets and their checks."""
    selection = dg.AssetSelection.assets(*assets)
    return dg.define_asset_job(name, selection=selection, description=description)


@dg.op(pool=POOL)
def maintain(lake: dg.ResourceParam[LakeRun]) -> dg.Output[None]:
    """Merge small files, expire old snapshots and remove files no snapshot needs."""
    with lake.step() as session:
        done = maintenance.maintain(session.lake, session.run)
        return dg.Output(
            None,
            metadata={
                "expired_snapshots": done.expired_snapshot_count,
                "removed_files": done.removed_file_count,
            },
        )


@dg.job(name="maintenance", description="Keep the lake small; never past the newest green build.")
def maintenance_job() -> None:
    """Maintenance alone."""
    maintain()


def schedules(
    refresh: dg.UnresolvedAssetJobDefinition,
    quality: dg.UnresolvedAssetJobDefinition,
    scoring: dg.UnresolvedAssetJobDefinition,
) -> list[dg.ScheduleDefinition]:
    """By night, week and month; never at 03–04, when an hour is skipped or doubled."""
    return [
        dg.ScheduleDefinition(
            name="nightly_refresh",
            job=refresh,
            cron_schedule="15 2 * * *",
            execution_timezone=TIME_ZONE,
        ),
        dg.ScheduleDefinition(
            name="nightly_quality",
            job=quality,
            cron_schedule="30 4 * * *",
            execution_timezone=TIME_ZONE,
        ),
        dg.ScheduleDefinition(
            name="weekly_maintenance",
            job=maintenance_job,
            cron_schedule="30 5 * * 0",
            execution_timezone=TIME_ZONE,
        ),
        dg.ScheduleDefinition(
            name="monthly_risk_scoring",
            job=scoring,
            cron_schedule="30 6 8 * *",
            execution_timezone=TIME_ZONE,
        ),
    ]


@dataclass(frozen=True)
class Watch:
    """What the sensor remembers of landing: marks of files, from which no name can be read."""

    seen: frozenset[str] = frozenset()
    """Files that lay there at the last look."""
    asked: frozenset[str] = frozenset()
    """Of these, the ones that a run was asked for."""

    @property
    def cursor(self) -> str:
        """As text that Dagster keeps."""
        return json.dumps({"seen": sorted(self.seen), "asked": sorted(self.asked)})

    @classmethod
    def of_cursor(cls, cursor: str | None) -> Watch:
        """From the text that Dagster kept."""
        kept = json.loads(cursor) if cursor else {"seen": [], "asked": []}
        return cls(frozenset(kept["seen"]), frozenset(kept["asked"]))


def look(watch: Watch, marks: frozenset[str]) -> tuple[Watch, frozenset[str]]:
    """What to remember next, and the marks to ask a run for.

    A run is asked for once every new file has lain unchanged from one look to the next.
    """
    asked = watch.asked & marks
    fresh = marks - asked
    if fresh <= watch.seen:
        return Watch(marks, marks), fresh
    return replace(watch, seen=marks, asked=asked), frozenset()


def marks_of(paths: Sequence[Path]) -> frozenset[str]:
    """A mark for each file that changes with it: a hash of name, size and time of change."""
    return frozenset(mark for path in paths if (mark := _mark(path)))


def _mark(path: Path) -> str | None:
    try:
        status = path.stat()
    except FileNotFoundError:  # taken in since it was listed
        return None
    text = f"{path.parent.name}/{path.name}|{status.st_size}|{status.st_mtime_ns}|{status.st_ino}"
    return hashlib.sha256(text.encode("utf-8", "surrogateescape")).hexdigest()[:16]


def landing_sensor(
    settings: Settings | None, definition: Definition, refresh: dg.UnresolvedAssetJobDefinition
) -> dg.SensorDefinition:
    """Asks for a refresh when something new and whole lies in landing."""

    @dg.sensor(name="landing", job=refresh, minimum_interval_seconds=60)
    def landing(context: dg.SensorEvaluationContext) -> dg.SensorResult | dg.SkipReason:
        """Look at landing, and compare with the last look."""
        files = survey((settings or Settings()).landing, definition.catalogue).files
        watch, fresh = look(
            Watch.of_cursor(context.cursor), marks_of([file.path for file in files])
        )
        context.update_cursor(watch.cursor)
        if not fresh:
            return dg.SkipReason(f"nothing new and whole among {len(files)} files")
        run_key = hashlib.sha256("".join(sorted(fresh)).encode()).hexdigest()[:16]
        return dg.SensorResult([dg.RunRequest(run_key=run_key)])

    return landing
