"""The checks of what is installed, and their verdicts: what must hold before a build is green.

Here: which are due, running them. Not here: what a check is and those stated for single models
(`check_model`, `sql/check`), those that contracts give (`contract_checks`), rules of single rows
(`gate`), keys of models (`builds`).
"""

from __future__ import annotations

import duckdb

from dagster_project.contracts.model import Catalogue, Severity
from dagster_project.errors import CheckFailed
from dagster_project.lake.check_model import Check, CheckResult, Status, stated_checks
from dagster_project.lake.connection import Lake
from dagster_project.lake.contract_checks import contract_checks
from dagster_project.lake.runs import Run
from dagster_project.sql_models import ModelGraph


def all_checks(catalogue: Catalogue) -> tuple[Check, ...]:
    """Every check, those over the contracts' tables first."""
    contracts = [catalogue.latest(key) for key in catalogue.tables()]
    return (*contract_checks(contracts), *stated_checks())


def due_checks(catalogue: Catalogue, graph: ModelGraph) -> tuple[Check, ...]:
    """The checks of what is installed: those that read a table nobody makes here are left out."""
    staged = {f"staging.{catalogue.latest(key).table}" for key in catalogue.tables()}
    of_register = {"staging.delivery", "staging.withdrawn_delivery"}
    made = staged | of_register | {model.full_name for model in graph.models}
    return tuple(check for check in all_checks(catalogue) if check.reads <= made)


_REGISTER = ("delivery", "delivery_event", "erasure", "quarantine", "rule_result")
"""What most checks read: inlined in the catalog, each scan of one costs 10 to 20 ms."""


def run_checks(lake: Lake, due: tuple[Check, ...], run: Run) -> tuple[CheckResult, ...]:
    """Run these checks and note the verdicts in `ops.check_result`.

    Raises:
        CheckFailed: one of error severity failed or could not be run.
    """
    with lake.in_memory("ops", _REGISTER):
        results = _evaluated(lake, due)
    with lake.transaction():
        for result in results:
            _note(lake, result, run)
    blocking = [r for r in results if r.is_blocking]
    if blocking:
        lines = [
            f"{r.check.id}: {r.status}, {r.violated} of {r.checked} ({r.check.description})"
            for r in blocking
        ]
        raise CheckFailed(
            "the build is not green, and nothing is published from it:\n  " + "\n  ".join(lines)
        )
    return results


def _evaluated(lake: Lake, due: tuple[Check, ...]) -> tuple[CheckResult, ...]:
    """Verdicts, in one transaction: outside of one each statement asks the catalog anew.

    A query that fails ends it, and then every check is run by itself.
    """
    results = []
    lake.execute("begin transaction")
    try:
        for check in due:
            results.append(evaluate(lake, check))
            if results[-1].status is Status.ERROR:
                break
    finally:
        lake.execute("rollback")
    failed = results and results[-1].status is Status.ERROR
    return tuple(evaluate(lake, check) for check in due) if failed else tuple(results)


def evaluate(lake: Lake, check: Check) -> CheckResult:
    """Count what violates a check; a query that fails is an error, never a pass."""
    try:
        violated, checked = lake.count(check.violated_sql), lake.count(check.checked_sql)
    except duckdb.Error:
        return CheckResult(check, Status.ERROR, 0, 0)
    if checked == 0 and violated == 0:
        status = Status.NOT_APPLICABLE
    elif violated == 0:
        status = Status.PASS
    elif check.severity is Severity.WARNING:
        status = Status.PASS_WITH_FAILURES
    else:
        status = Status.FAIL
    return CheckResult(check, status, violated, checked)


def _note(lake: Lake, result: CheckResult, run: Run) -> None:
    check = result.check
    lake.execute(
        "insert into lake.ops.check_result values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            run.run_id,
            check.id,
            check.table,
            check.dimension,
            check.severity,
            result.status,
            result.violated,
            result.checked,
            run.now(),
        ],
    )
