"""Months that are due: settled in their order, as far as what has been delivered goes.

Here: which months, and stopping at the first that cannot be settled. Not here: settling one
(`runs`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date

from dagster_project.errors import TietoallasError
from dagster_project.lake import builds
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import Report, Session
from dagster_project.settlement.runs import Settled, settle
from dagster_project.settlement.scheme import ACTS, CHOICES, REGISTER, next_month


@dataclass(frozen=True)
class Outcome:
    """What was settled of what was due."""

    settled: tuple[Settled, ...]
    refused_count: int
    """Services that a month of could not be settled."""


NOTHING = Outcome((), 0)


def settle_due(session: Session, *, report: Report = print) -> Outcome:
    """Settle every month that is due of every service; the lake is green afterwards.

    A month that cannot be settled is told with the reason, and those after it wait.
    """
    settled: list[Settled] = []
    refused = 0
    for months in due_months(session.lake):
        try:
            for month, rulebook_id in months:
                settled.append(settle(session, month, rulebook_id))
                report(line(settled[-1]))
        except TietoallasError as error:
            refused += 1
            report(f"not settled: {error}")
    if settled:
        builds.move_green(session.lake, session.run)
    return Outcome(tuple(settled), refused)


def settle_month(session: Session, month: date) -> list[Settled]:
    """Settle one month of every scheme that pays; the lake is green afterwards.

    Raises:
        TietoallasError: one of them is closed for that month, or cannot be settled.
    """
    rows = session.lake.rows(
        "select rulebook_id from rulebook.capitation_payer where valid_from_date <= ?"
        " qualify row_number() over (partition by service_code order by valid_from_date desc) = 1"
        " order by rulebook_id",
        [month],
    )
    done = [settle(session, month, rulebook_id) for (rulebook_id,) in rows]
    builds.move_green(session.lake, session.run)
    return done


def line(settled: Settled) -> str:
    """A settlement in one line."""
    sums = settled.reckoned
    return (
        f"settled {settled.rulebook_id} {settled.settlement_month:%Y-%m}: run"
        f" {settled.capitation_run_id}, {sums.paid_eur} EUR to pay, {sums.shadow_eur} EUR in"
        f" shadow, {sums.line_count} lines, {sums.adjustment_count} corrections"
    )


def due_months(lake: Lake) -> list[list[tuple[date, str]]]:
    """By service, months that are covered and not settled, each with the scheme that pays."""
    rows = lake.rows(
        "select service_code, valid_from_date, rulebook_id from rulebook.capitation_payer"
    )
    payers: dict[str, dict[date, str]] = {}
    for service, starts, rulebook_id in rows:
        payers.setdefault(service, {})[starts] = rulebook_id
    return [
        [
            (month, paid_by[max(starts for starts in paid_by if starts <= month)])
            for month in _months(
                _first_month(lake, service, min(paid_by)), _newest_month(lake, service)
            )
        ]
        for service, paid_by in sorted(payers.items())
    ]


def _months(first: date | None, last: date | None) -> Iterator[date]:
    month = first
    while month is not None and last is not None and month <= last:
        yield month
        month = next_month(month)


def _newest_month(lake: Lake, service: str) -> date | None:
    """The last month that the portal, the register and, where acts are paid, these cover."""
    pays_acts = lake.count(
        "select count(*) from rulebook.capitation_act_fee where rulebook_id in"
        " (select rulebook_id from rulebook.capitation_payer where service_code = ?)",
        [service],
    )
    months = [
        lake.value(
            "select cast(date_trunc('month', max(covers_to_date)) as date) from effective.delivery"
            " where source = ? and table_name = ? and covers_to_date = last_day(covers_to_date)",
            key.split("/"),
        )
        for key in (CHOICES, REGISTER, *([ACTS] if pays_acts else []))
    ]
    return None if None in months else min(months)


def _first_month(lake: Lake, service: str, starts: date) -> date | None:
    """The month after the newest settled one, or that in which the first choice was made."""
    settled = lake.value(
        "select max(settlement_month) from mart.capitation_run where service_code = ?",
        [service],
    )
    if settled is not None:
        return next_month(settled)
    first = lake.value(
        "select cast(date_trunc('month', min(valid_from_date)) as date) from core.enrolment"
        " where service_code = ?",
        [service],
    )
    return None if first is None else max(first, starts)
