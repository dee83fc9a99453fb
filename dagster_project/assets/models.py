"""One asset per SQL model, the green build over them, and the release made from it.

Here: the assets, made from the files in `sql/`. Not here: building (`lake.builds`), publishing
(`publish.release`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import dagster as dg

from dagster_project import pipeline
from dagster_project.assets.checks import CheckPlan, judge, spec_of
from dagster_project.assets.keys import (
    BUILD,
    EXPECTATIONS,
    RELEASE,
    asset_key,
    model_keys,
    parents,
)
from dagster_project.assets.lake_run import POOL, LakeRun
from dagster_project.errors import TietoallasError
from dagster_project.lake.builds import Built
from dagster_project.pipeline import Definition, Session
from dagster_project.publish.manifest import Release
from dagster_project.publish.quality import report_quality
from dagster_project.publish.release import publish
from dagster_project.sql_models import Model


def model_assets(definition: Definition, plan: CheckPlan) -> list[dg.AssetsDefinition]:
    """An asset for each SQL model."""
    return [_model_asset(definition, model, plan) for model in definition.graph.models]


def _model_asset(definition: Definition, model: Model, plan: CheckPlan) -> dg.AssetsDefinition:
    key = asset_key(model.full_name)
    checks = plan.in_step[key]

    @dg.asset(
        key=key,
        deps=sorted(parents(definition, model)),
        group_name=model.schema,
        description=model.grain,
        metadata=_definition_metadata(definition, model),
        kinds={"sql", "ducklake"},
        code_version=definition.graph.fingerprints[model.full_name][:12],
        check_specs=[*map(spec_of, checks)],
        pool=POOL,
    )
    def build_model(lake: dg.ResourceParam[LakeRun]) -> Iterator[dg.MaterializeResult[None]]:
        """Bring the table up to date with what it rests on."""
        with lake.step() as session:
            counts = _counts(session, pipeline.build_one(session, model))
            counts["engine"] = dg.MetadataValue.text(session.engine_of(model).name)
            verdicts = [judge(lake, session, check) for check in checks]
        yield dg.MaterializeResult(metadata=counts, check_results=verdicts)

    return build_model


def _definition_metadata(definition: Definition, model: Model) -> dict[str, str]:
    placement = definition.placement
    said = {
        "placed_on": "spark" if model.full_name in placement.spark else "duckdb",
        "cannot_run_on_spark": placement.cannot.get(model.full_name),
        "grain": model.grain,
        "key": ", ".join(model.key),
        "partition": model.partition,
        "purpose": model.purpose,
        "may_be_empty": model.may_be_empty,
    }
    return {name: value for name, value in said.items() if value}


def _counts(session: Session, built: Built) -> dict[str, dg.MetadataValue]:
    return {
        "dagster/row_count": dg.MetadataValue.int(built.row_count),
        "rebuilt": dg.MetadataValue.text(built.rebuilt),
        "run_id": dg.MetadataValue.text(session.run.run_id),
        "dagster/column_schema": dg.MetadataValue.table_schema(
            dg.TableSchema(
                [
                    dg.TableColumn(name, kind)
                    for name, kind, *_ in session.lake.rows(f"describe lake.{built.model}")
                ]
            )
        ),
    }


def build_asset(definition: Definition) -> dg.AssetsDefinition:
    """The snapshot at which every model stands and every check holds."""

    @dg.asset(
        key=BUILD,
        deps=model_keys(definition),
        group_name="ops",
        description="The newest state at which every model stands and every check holds.",
        pool=POOL,
    )
    def build(lake: dg.ResourceParam[LakeRun]) -> Iterator[dg.MaterializeResult[None]]:
        """Run every check and, where none blocks, name the snapshot green."""
        with lake.step() as session:
            done = pipeline.finish_build(session, report=dg.get_dagster_logger().info)
        verdicts = Counter(result.status.value for result in done.checks)
        yield dg.MaterializeResult(metadata={"build_id": done.build_id, **verdicts})

    return build


def release_asset() -> dg.AssetsDefinition:
    """What readers see."""

    @dg.asset(
        key=RELEASE,
        deps=[BUILD],
        group_name="published",
        description="Parquet for BI tools and a DuckDB file for analysts, swapped in one step.",
        kinds={"parquet", "duckdb"},
        pool=POOL,
    )
    def release(lake: dg.ResourceParam[LakeRun]) -> Iterator[dg.MaterializeResult[None]]:
        """Publish the newest green build."""
        with lake.step() as session:
            released = publish(session)
        yield dg.MaterializeResult(metadata=_released(released))

    return release


def _released(release: Release) -> dict[str, int | str]:
    return {
        "release_id": release.release_id,
        "build_id": release.build_id,
        "tables": len(release.tables),
        "rows": sum(table.row_count for table in release.tables),
        "bytes": sum(table.byte_count for table in release.tables),
    }


def expectations_asset() -> dg.AssetsDefinition:
    """What Great Expectations says of the lake, and the page that tells it."""

    @dg.asset(
        key=EXPECTATIONS,
        deps=[RELEASE],
        group_name="ops",
        description="Suites from the contracts, judged; a page in Finnish and English.",
        kinds={"greatexpectations", "html"},
        pool=POOL,
    )
    def expectations(lake: dg.ResourceParam[LakeRun]) -> Iterator[dg.MaterializeResult[None]]:
        """Judge every suite as of the day of the run; what cannot be judged fails the step."""
        with lake.step() as session:
            done = report_quality(session, session.run.now().date())
        counts = {status.value: count for status, count in done.counts.items()}
        yield dg.MaterializeResult(metadata=counts)
        with lake.step():
            if done.has_errors:
                raise TietoallasError(
                    "expectations that could not be judged are on the page of data quality;"
                    " `tietoallas quality report` judges them again"
                )

    return expectations
