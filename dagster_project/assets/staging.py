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
    judge_refusals,
    refusal_spec,
    spec_of,
)
from dagster_project.assets.keys import LANDING, asset_key, contracts, staging_keys
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
        check_specs=[*map(spec_of, checks), *freshness_spec(contract), refusal_spec(contract)],
        op_tags={"dagster/priority": _PRIORITY.get(contract.register, "1")},
        pool=POOL,
    )
    def staging(
        lake: dg.ResourceParam[LakeRun],
    ) -> Iterator[dg.MaterializeResult[None]]:
        """Take in the table's deliveries; a refused one stands in nobody's way."""
        with lake.step() as session:
            done = pipeline.ingest(session, only=contract.key, report=dg.get_dagster_logger().info)
            pipeline.hide_places(session)
            verdicts = [judge(lake, session, check) for check in checks]
            fresh = [judge_freshness(session, contract) for _ in freshness_spec(contract)]
            counts = _counts(session, contract, done)
        lake.refusals += [f"{refusal.label}: {refusal.message}" for refusal in done.refusals]
        refused = judge_refusals(contract, done)
        yield dg.MaterializeResult(metadata=counts, check_results=[*verdicts, *fresh, refused])

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


def landing_asset(definition: Definition) -> dg.AssetsDefinition:
    """What came and could not be taken in; nothing rests on it, so that the rest goes on."""

    @dg.asset(
        key=LANDING,
        deps=staging_keys(definition),
        group_name="ops",
        description="Landing after a run: no delivery was refused, and no file is astray.",
        pool=POOL,
    )
    def landing(
        lake: dg.ResourceParam[LakeRun],
    ) -> Iterator[dg.MaterializeResult[None]]:
        """Count what is left in landing; a refused delivery or a file nobody claims fails it."""
        with lake.step() as session:
            left = survey(session.lake.settings.landing, definition.catalogue)
        yield dg.MaterializeResult(
            metadata={
                "refused": len(lake.refusals),
                "unfinished": left.unfinished_count,
                "astray": len(left.strays),
            }
        )
        with lake.step():
            _raise_troubles(lake.refusals, [stray.rule_id for stray in left.strays])

    return landing


def _raise_troubles(refusals: list[str], stray_rules: list[str]) -> None:
    """Fail where deliveries were refused or files are astray.

    A stray file's name, which may hold anything, stays out of the event log.

    Raises:
        TietoallasError: there are such; whatever else came is in the lake.
    """
    troubles = list(refusals)
    if stray_rules:
        counts = (f"{stray_rules.count(rule)} by {rule}" for rule in sorted(set(stray_rules)))
        troubles.append(
            f"no contract claims {len(stray_rules)} files in landing ({', '.join(counts)});"
            " `tietoallas run` names them: rename or remove them"
        )
    if troubles:
        raise TietoallasError("\n".join(troubles))
