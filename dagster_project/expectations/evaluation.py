"""One evaluation of every suite, noted in the register.

Here: which suites, and what is kept of their verdicts. Not here: the suites (`suites`), asking
(`validation`), telling (`quality`).
"""

from __future__ import annotations

from datetime import date

from dagster_project.contracts.model import Catalogue
from dagster_project.expectations import suites, validation
from dagster_project.expectations.validation import Judged
from dagster_project.lake.connection import Lake
from dagster_project.lake.runs import Run


def evaluate(lake: Lake, catalogue: Catalogue, run: Run, as_of: date) -> tuple[Judged, ...]:
    """Judge every table's accepted rows and deliveries on a given day.

    Returns:
        The verdicts, by table in alphabetical order; they are in `ops.expectation_result` too.
    """
    asked = [
        suites.of_staging(catalogue.latest(key), catalogue, as_of) for key in catalogue.tables()
    ]
    judged = tuple(validation.validate(lake, asked))
    with lake.transaction():
        lake.execute("delete from lake.ops.expectation_result where run_id = ?", [run.run_id])
        for one in judged:
            _note(lake, one, run, as_of)
    run.on_step("expectations judged")
    return judged


def _note(lake: Lake, one: Judged, run: Run, as_of: date) -> None:
    expected = one.expected
    lake.execute(
        "insert into lake.ops.expectation_result values (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            run.run_id,
            one.contract.source,
            one.contract.table,
            expected.id,
            expected.kind,
            expected.dimension,
            expected.severity,
            one.status,
            one.violated,
            one.checked,
            as_of,
            run.now(),
        ],
    )
