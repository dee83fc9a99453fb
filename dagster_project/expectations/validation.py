"""Suites put to Great Expectations, and what it says: verdicts and counts, never a value.

The library is imported only when it is used, since that takes five seconds. It runs without a
project, without files, without analytics and without network, and is told to keep no value that it
did not expect; what it says of an error is left behind too, since that may quote a row.

Here: asking, and verdicts in our own words. Not here: what is expected (`suites`).
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import duckdb

from dagster_project.contracts.model import Contract, Severity
from dagster_project.expectations.natives import Native
from dagster_project.expectations.suites import Expected, Suite
from dagster_project.lake.check_model import Status
from dagster_project.lake.connection import Lake
from dagster_project.sql_text import quoted

Result = Any
"""The library's own objects: it is imported too late for their types to be named."""
_NO_VALUES = {"result_format": "BASIC", "partial_unexpected_count": 0}
_IN_MEMORY = 1_000_000
"""Rows up to which a view is looked at as a copy: each of the many queries plans it anew."""
_PARAMETER = re.compile(r"(?<![:\w\\]):(?=\w)")
"""A colon that SQLAlchemy would take for the start of a parameter's name."""


@dataclass(frozen=True)
class Judged:
    """How one expectation came out."""

    contract: Contract
    expected: Expected
    status: Status
    violated: int
    checked: int


def validate(lake: Lake, suites: Iterable[Suite]) -> Iterator[Judged]:
    """Put every suite to the library, in order."""
    with _context(lake) as source:
        for suite in suites:
            yield from _judge(lake, source, suite, "rows", suite.rows_sql, suite.rows)
            yield from _judge(
                lake, source, suite, "deliveries", suite.deliveries_sql, suite.deliveries
            )


@contextmanager
def _context(lake: Lake) -> Iterator[Result]:
    """The library, looking at the lake; its own switch for analytics is read at its import."""
    os.environ["GX_ANALYTICS_ENABLED"] = "false"
    import great_expectations  # noqa: PLC0415
    from great_expectations.data_context.types.base import ProgressBarsConfig  # noqa: PLC0415

    from dagster_project.expectations.engine import address_of  # noqa: PLC0415

    context = great_expectations.get_context(mode="ephemeral")
    context.enable_analytics(False)
    context.variables.progress_bars = ProgressBarsConfig(globally=False, metric_calculations=False)
    with address_of(lake) as address:
        yield context.data_sources.add_sql("lake", connection_string=address)


def _judge(
    lake: Lake, source: Result, suite: Suite, part: str, sql: str, expected: tuple[Expected, ...]
) -> Iterator[Judged]:
    """Verdicts on one view; one that cannot be looked at is an error, never a pass."""
    if not expected:
        return
    name = f"expected_{suite.contract.table}_{part}"
    try:
        row_count = lake.count(f"select count(*) from ({sql})")
        kind = "table" if row_count <= _IN_MEMORY else "view"
        lake.execute(f"create or replace temp {kind} {quoted(name)} as {sql}")
    except duckdb.Error:
        yield from (Judged(suite.contract, e, Status.ERROR, 0, 0) for e in expected)
        return
    asset = source.add_table_asset(name=name, table_name=name)
    batch = asset.add_batch_definition_whole_table("all").get_batch()
    found = _results(batch, name, expected)
    lake.execute(f"drop {kind} {quoted(name)}")
    for index, one in enumerate(expected):
        yield _verdict(suite.contract, one, found.get(str(index)), row_count)


def _results(batch: Result, name: str, expected: tuple[Expected, ...]) -> Mapping[str, Result]:
    """The library's result of each expectation, by its place."""
    import great_expectations  # noqa: PLC0415
    from great_expectations import expectations as library  # noqa: PLC0415

    suite = great_expectations.ExpectationSuite(name)
    for index, one in enumerate(expected):
        kind, arguments = _asked(one)
        meta = {"place": str(index), "rule": one.id}
        suite.add_expectation(getattr(library, kind)(**arguments, meta=meta))
    done = batch.validate(suite, result_format=_NO_VALUES)
    return {r.expectation_config.meta["place"]: r for r in done.results}


def _asked(one: Expected) -> tuple[str, dict[str, object]]:
    """Class and arguments of the library's expectation."""
    if isinstance(one.test, Native):
        return one.test.type, dict(one.test.arguments)
    query = _PARAMETER.sub(r"\\:", one.test)
    return "UnexpectedRowsExpectation", {"unexpected_rows_query": query}


def _verdict(contract: Contract, one: Expected, result: Result, row_count: int) -> Judged:
    """The library's word in ours; without its count, whatever it says is an error."""
    if not row_count and not _is_about_emptiness(one):
        return Judged(contract, one, Status.NOT_APPLICABLE, 0, 0)
    if result is None or result.exception_info.get("raised_exception") is not False:
        return Judged(contract, one, Status.ERROR, 0, row_count)
    violated = _violated(one, result)
    if violated is None or (violated == 0) != bool(result.success):
        return Judged(contract, one, Status.ERROR, 0, row_count)
    checked = int(result.result.get("element_count", row_count))
    return Judged(contract, one, _status(one, violated, row_count), violated, checked)


def _is_about_emptiness(one: Expected) -> bool:
    """Whether there is something to judge where there is no row."""
    return isinstance(one.test, Native) and one.test.type == "ExpectTableRowCountToBeBetween"


def _violated(one: Expected, result: Result) -> int | None:
    """How many rows break it; of an expectation about a whole, 1 where it is broken."""
    if not isinstance(one.test, Native):
        return int(result.result["observed_value"])
    if "unexpected_count" in result.result:
        # Where there is no row, the library's sum over rows is nothing.
        return int(result.result["unexpected_count"] or 0)
    return 0 if result.success else 1


def _status(one: Expected, violated: int, row_count: int) -> Status:
    if violated:
        is_error = one.severity is Severity.ERROR
        return Status.FAIL if is_error else Status.PASS_WITH_FAILURES
    return Status.PASS if row_count else Status.NOT_APPLICABLE
