"""The lake's checks as asset checks: a verdict and counts, never a value.

A check runs in the step of its own table where everything it reads stands by then, so that a
failure stops what rests on the table. The few that also read a table built later have a step of
their own. `ops/build` runs all of them again, so nothing is published past any.

Here: which check hangs on which asset, and verdicts in Dagster's words. Not here: the checks
themselves (`lake.checks`, `lake.freshness`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import dagster as dg

from dagster_project.assets.keys import ancestors, asset_key
from dagster_project.assets.lake_run import POOL, LakeRun
from dagster_project.contracts.model import Contract, SequenceStep
from dagster_project.lake import checks
from dagster_project.lake.check_model import Check, CheckResult, Status
from dagster_project.lake.freshness import freshness
from dagster_project.pipeline import Definition, Ingested, RunOutcome, Session

FRESH = "arrives_as_promised"
TAKEN_IN = "deliveries_are_taken_in"
_PERIODS = {
    SequenceStep.MONTH: "month",
    SequenceStep.YEAR: "year",
    SequenceStep.YEAR_RELEASE: "year",
    SequenceStep.SENDER_QUARTER: "quarter",
}


@dataclass(frozen=True)
class CheckPlan:
    """Where each check runs."""

    in_step: Mapping[dg.AssetKey, list[Check]]
    """In the step that writes the check's own table."""
    later: list[tuple[Check, list[dg.AssetKey]]]
    """In a step of its own, after these tables."""


def plan_checks(definition: Definition) -> CheckPlan:
    """Put every check of the lake where all that it reads stands."""
    above = ancestors(definition)
    plan = CheckPlan({key: [] for key in above}, [])
    for check in checks.due_checks(definition.catalogue, definition.graph):
        own = asset_key(check.table)
        later = (set(map(asset_key, check.reads)) & above.keys()) - above[own] - {own}
        if later:
            plan.later.append((check, sorted(later)))
        else:
            plan.in_step[own].append(check)
    return plan


def check_name(check: Check) -> str:
    """Name below the asset: the id without its table."""
    return check.id.split(".")[-1]


def spec_of(check: Check) -> dg.AssetCheckSpec:
    """A check as Dagster lists it; only a verdict of error severity blocks."""
    return dg.AssetCheckSpec(
        check_name(check),
        asset=asset_key(check.table),
        description=check.description,
        blocking=True,
        metadata=_about(check),
    )


def _about(check: Check) -> dict[str, str]:
    return {
        "id": check.id,
        "dimension": check.dimension.value,
        "severity": check.severity.value,
    }


def judge(run: LakeRun, session: Session, check: Check) -> dg.AssetCheckResult:
    """Evaluate a check and note in the run whether it blocks."""
    result = checks.evaluate(session.lake, check)
    if result.is_blocking:
        run.note(RunOutcome.BLOCKED)
    return _verdict(result)


def _verdict(result: CheckResult) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=check_name(result.check),
        asset_key=asset_key(result.check.table),
        passed=result.status in (Status.PASS, Status.NOT_APPLICABLE),
        severity=dg.AssetCheckSeverity.ERROR if result.is_blocking else dg.AssetCheckSeverity.WARN,
        metadata={
            "status": result.status.value,
            "violated": result.violated,
            "checked": result.checked,
        },
    )


def later_checks(plan: CheckPlan) -> list[dg.AssetChecksDefinition]:
    """Checks that read a table built after their own, each with a step of its own."""
    return [_later_check(check, reads) for check, reads in plan.later]


def _later_check(check: Check, reads: list[dg.AssetKey]) -> dg.AssetChecksDefinition:
    @dg.asset_check(
        asset=asset_key(check.table),
        name=check_name(check),
        description=check.description,
        additional_deps=reads,
        metadata=_about(check),
        pool=POOL,
    )
    def later(lake: dg.ResourceParam[LakeRun]) -> dg.AssetCheckResult:
        with lake.step() as session:
            return judge(lake, session, check)

    return later


def refusal_spec(contract: Contract) -> dg.AssetCheckSpec:
    """Whether every delivery that lay in landing was taken in; it blocks nothing."""
    return dg.AssetCheckSpec(
        TAKEN_IN,
        asset=asset_key(f"staging.{contract.table}"),
        description="no delivery was refused; the last good state stands where one was",
    )


def judge_refusals(contract: Contract, done: Ingested) -> dg.AssetCheckResult:
    """A refused delivery, by count; `ops/landing` says which and why."""
    return dg.AssetCheckResult(
        check_name=TAKEN_IN,
        asset_key=asset_key(f"staging.{contract.table}"),
        passed=not done.refusals,
        severity=dg.AssetCheckSeverity.ERROR,
        metadata={"refused": len(done.refusals), "taken_in": len(done.outcomes)},
    )


def freshness_spec(contract: Contract) -> list[dg.AssetCheckSpec]:
    """The contract's promise about time, where a next delivery is ever due; it blocks nothing."""
    period = _PERIODS.get(contract.delivery.sequence_step)
    if period is None:
        return []
    return [
        dg.AssetCheckSpec(
            FRESH,
            asset=asset_key(f"staging.{contract.table}"),
            description=f"the next delivery comes within {contract.freshness_days} days"
            f" of the {period} it covers",
        )
    ]


def judge_freshness(session: Session, contract: Contract) -> dg.AssetCheckResult:
    """Whether the next delivery is late on the day of the run."""
    found = freshness(session.lake, contract, session.run.now().date())
    return dg.AssetCheckResult(
        check_name=FRESH,
        asset_key=asset_key(f"staging.{contract.table}"),
        passed=found.late_days == 0,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={
            "deliveries": found.delivery_count,
            "covers_to": str(found.covers_to_date),
            "due": str(found.due_date),
            "late_days": found.late_days,
        },
    )
