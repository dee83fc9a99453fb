"""The one place where Dagster's parts meet: assets, checks, jobs, sensor, schedules, the lake.

Here: `build_defs`. Not here: any part itself (`assets`). Loading reads contracts, rulebooks and
models, and touches no data.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

import dagster as dg

from dagster_project.assets import automation, models, risk, settlement, staging
from dagster_project.assets.checks import later_checks, plan_checks
from dagster_project.assets.lake_run import lake_resource
from dagster_project.pipeline import Definition, load_definition
from dagster_project.settings import Settings


def build_defs(
    settings: Settings | None = None,
    *,
    definition: Definition | None = None,
    now: Callable[[], datetime] | None = None,
) -> dg.Definitions:
    """Everything Dagster is to know.

    Args:
        settings: of the installation; without them the environment is read when a run starts.
        definition: contracts, rulebooks and models; without it, those installed.
        now: the time of runs in UTC, without a zone; without it, the clock.
    """
    loaded = definition or load_definition()
    plan = plan_checks(loaded)
    ingested = [*staging.staging_assets(loaded, plan), staging.landing_asset(loaded)]
    built = [*models.model_assets(loaded, plan), models.build_asset(loaded)]
    ingest = automation.asset_job("ingest", ingested, "Take in what lies in landing.")
    build = automation.asset_job("build", built, "Build and check every model.")
    refresh = automation.refresh_job()
    expectations = models.expectations_asset()
    quality = automation.asset_job("quality", [expectations], "Judge the lake, write the report.")
    payments = settlement.settlement_asset()
    settle = automation.asset_job("settle", [payments], "Settle a month, which closes it.")
    trained, scored = risk.model_asset(), risk.score_asset()
    training = automation.asset_job("risk_training", [trained], "Train and judge risk models.")
    scoring = automation.asset_job(
        "risk_scoring", [scored], "Score everybody as of the newest day."
    )
    return dg.Definitions(
        assets=[*ingested, *built, models.release_asset(), expectations, payments, trained, scored],
        asset_checks=later_checks(plan),
        jobs=[
            ingest,
            build,
            refresh,
            quality,
            settle,
            training,
            scoring,
            automation.maintenance_job,
        ],
        sensors=[automation.landing_sensor(settings, loaded, refresh)],
        schedules=automation.schedules(refresh, quality, scoring),
        resources={"lake": lake_resource(settings, loaded, now)},
        executor=dg.in_process_executor,
    )


defs = build_defs()
