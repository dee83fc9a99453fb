"""One asset per delivered table: what lies in landing goes through the door.

Here: the assets, made from the contracts. Not here: taking a delivery in (`lake.delivery`).
"""

from __future__ import annotations

from collections.abc import Iterator

import dagster as dg

from dagster_project import pipeline
from dagster_project.assets.checks import (
    CheckPlan,
    freshness_spec,
    judge,
    judge_freshness,
    spec_of,
)
from dagster_project.assets.keys import LANDING, asset_key, contracts
from dagster_project.assets.lake_run import POOL, LakeRun
from dagster_project.contracts.model import Contract
from dagster_project.errors import TietoallasError
from dagster_project.pipeline import Definition, Ingested, Session
from dagster_project.sources.landing import survey

_PRIORITY = {"public": "3", "population": "2"}
"""As in landing's own order: reference data first, then the register with its orders."""


def staging_assets(definition: Definition, plan: CheckPlan) -> list[dg.AssetsDefinition]:
    """An asset for each delivered table."""
    return [_staging_asset(contract, plan) for contract in contracts(definition)]


def _staging_asset(contract: Contract, plan: CheckPlan) -> dg.AssetsDefinition:
    key = asset_key(f"staging.{contract.table}")
    checks = plan.in_step[key]

    @dg.asset(
        key=key,
        group_name=contract.source,
        description=f"{contract.purpose} {contract.grain}",
        metadata=_definition_metadata(contract),
        tags={"register": contract.register},
        kinds={contract.dialect.format.value, "ducklake"},
        code_version=contract.sha256[:12],
        check_specs=[*map(spec_of, checks), *freshness_spec(contract)],
        op_tags={"dagster/priority": _PRIORITY.get(contract.register, "1")},
        pool=POOL,
    )
    def staging(
        lake: dg.ResourceParam[LakeRun],
    ) -> Iterator[dg.MaterializeResult[None]]:
        """Take in the table's deliveries; a refused one fails the step after the others are in."""
        with lake.step() as session:
            done = pipeline.ingest(session, only=contract.key, report=dg.get_dagster_logger().info)
            pipeline.hide_places(session)
            verdicts = [judge(lake, session, check) for check in checks]
            fresh = [judge_freshness(session, contract) for _ in freshness_spec(contract)]
            counts = _counts(session, contract, done)
        yield dg.MaterializeResult(metadata=counts, check_results=[*verdicts, *fresh])
        with lake.step():
            _raise_refusals(done)

    return staging


def _definition_metadata(contract: Contract) -> dict[str, dg.MetadataValue]:
    return {
        "grain": dg.MetadataValue.text(contract.grain),
        "contract": dg.MetadataValue.text(f"{contract.key} {contract.version}"),
        "controller": dg.MetadataValue.text(contract.controller),
        "freshness_days": dg.MetadataValue.int(contract.freshness_days),
        "dagster/column_schema": dg.MetadataValue.table_schema(_column_schema(contract)),
    }


def _column_schema(contract: Contract) -> dg.TableSchema:
    """The table as the lake holds it: the contract's columns, then where each row came from."""
    columns = [
        dg.TableColumn(
            column.name,
            "BIGINT" if column.is_identity else column.sql_type,
            column.description,
            dg.TableColumnConstraints(nullable=not column.is_required or column.is_place),
        )
        for column in contract.lake_columns
    ]
    required = dg.TableColumnConstraints(nullable=False)
    origin = [
        dg.TableColumn("delivery_sequence", "BIGINT", "Delivery the row came in.", required),
        dg.TableColumn("record_number", "BIGINT", "Its place in the delivery, from 1.", required),
    ]
    return dg.TableSchema([*columns, *origin])


def _counts(session: Session, contract: Contract, done: Ingested) -> dict[str, int | str]:
    verdicts = [outcome.verdict for outcome in done.outcomes if outcome.verdict is not None]
    return {
        "deliveries": len(verdicts),
        "taken_in_before": len(done.outcomes) - len(verdicts),
        "refused": len(done.refusals),
        "received": sum(verdict.received for verdict in verdicts),
        "accepted": sum(verdict.accepted for verdict in verdicts),
        "quarantined": sum(verdict.quarantined for verdict in verdicts),
        "duplicate": sum(verdict.duplicate for verdict in verdicts),
        "dagster/row_count": session.lake.count(f'select count(*) from staging."{contract.table}"'),
        "run_id": session.run.run_id,
    }


def _raise_refusals(done: Ingested) -> None:
    """Fail where a delivery was refused.

    Raises:
        TietoallasError: one was; those that were not are in the lake.
    """
    if done.refusals:
        raise TietoallasError("\n".join(f"{r.label}: {r.message}" for r in done.refusals))


def landing_asset(definition: Definition) -> dg.AssetsDefinition:
    """What lies in landing that no contract claims; nothing rests on it."""

    @dg.asset(
        key=LANDING,
        group_name="ops",
        description="Files in landing: none may be there that no contract claims.",
        pool=POOL,
    )
    def landing(
        lake: dg.ResourceParam[LakeRun],
    ) -> Iterator[dg.MaterializeResult[None]]:
        """Count what lies in landing; a file that nobody claims fails the step."""
        with lake.step() as session:
            found = survey(session.lake.settings.landing, definition.catalogue)
        yield dg.MaterializeResult(
            metadata={
                "waiting": len(found.files),
                "unfinished": found.unfinished_count,
                "astray": len(found.strays),
            }
        )
        with lake.step():
            _raise_strays([stray.rule_id for stray in found.strays])

    return landing


def _raise_strays(rule_ids: list[str]) -> None:
    """Fail where files are astray; their names, which may hold anything, stay out of the event log.

    Raises:
        TietoallasError: a file is.
    """
    if rule_ids:
        counts = ", ".join(f"{rule_ids.count(rule)} by {rule}" for rule in sorted(set(rule_ids)))
        raise TietoallasError(
            f"no contract claims {len(rule_ids)} files in landing ({counts});"
            " `tietoallas run` names them: rename or remove them"
        )
