"""A draft rulebook tried on closed months: who would gain, who would lose. Nothing is written.

Here: the comparison. Not here: settling (`runs`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

from dagster_project.errors import TietoallasError
from dagster_project.lake.connection import Lake
from dagster_project.lake.views import create_rulebook_views
from dagster_project.pipeline import Session
from dagster_project.rulebook import Rulebook, load_rulebooks
from dagster_project.rules.capitation_rulebook import Base
from dagster_project.settlement import freezing, reckoning
from dagster_project.settlement.closed_months import run_cut_off
from dagster_project.settlement.scheme import version_of


@dataclass(frozen=True)
class Outcome:
    """A provider over the months compared, as settled and as the draft would have it.

    What was settled holds the acts that came or went since; the draft does too.
    """

    provider_id: str
    is_shadow: bool
    settled_eur: Decimal
    draft_eur: Decimal

    @property
    def difference_eur(self) -> Decimal:
        """What the provider would gain."""
        return self.draft_eur - self.settled_eur


def what_if(
    session: Session,
    rulebook_id: str,
    *,
    folder: Path | None = None,
    months: Sequence[date] = (),
) -> tuple[Outcome, ...]:
    """Work closed months out again under another scheme; winners first.

    Lists are as they were known when each month was settled, and corrections of them are left aside
    on both sides. Acts are as they are known now, on both: what was settled holds the corrections
    for acts that came or went since. Factors of groups that the draft has none of are 1.

    Args:
        session: The lake.
        rulebook_id: The scheme to try.
        folder: Of rulebooks that take the place of the installed ones of their names.
        months: Which; without any, every closed month of the service.

    Raises:
        TietoallasError: the draft is not sound, or no month of its service is closed.
    """
    installed = session.definition.rulebooks
    books = _with_draft(installed, load_rulebooks(folder)) if folder else installed
    with _in_place(session.lake, books, installed):
        found = [
            row
            for run_id, month in _closed(session.lake, books, rulebook_id, months)
            for row in _compared(session, books, rulebook_id, run_id, month, folder is not None)
        ]
    return _summed(found)


def _with_draft(installed: Sequence[Rulebook], draft: Sequence[Rulebook]) -> tuple[Rulebook, ...]:
    known = {book.name: book for book in installed}
    return tuple((known | {book.name: book for book in draft}).values())


@contextmanager
def _in_place(
    lake: Lake, books: Sequence[Rulebook], installed: Sequence[Rulebook]
) -> Iterator[None]:
    """Have models and queries read some rulebooks, for a while."""
    create_rulebook_views(lake, tuple(books))
    try:
        yield
    finally:
        create_rulebook_views(lake, tuple(installed))


def _closed(
    lake: Lake, books: Sequence[Rulebook], rulebook_id: str, months: Sequence[date]
) -> list[tuple[int, date]]:
    service = {
        row[list(book.columns).index("service_code")]
        for book in books
        if book.name == "capitation_scheme"
        for _, row in book.rows
        if row[list(book.columns).index("rulebook_id")] == rulebook_id
    }
    if not service:
        raise TietoallasError(
            f"no payment scheme {rulebook_id} in capitation_scheme.yaml; name another, or add it"
        )
    runs = lake.rows(
        "select capitation_run_id, settlement_month from mart.capitation_run"
        " where service_code = ? order by settlement_month",
        [service.pop()],
    )
    chosen = [(run, month) for run, month in runs if not months or month in months]
    if not chosen:
        raise TietoallasError(
            f"no month of the service of {rulebook_id} is closed yet; `tietoallas settle run` first"
        )
    return chosen


_Row = tuple[str, bool, Decimal, Decimal]


def _compared(
    session: Session,
    books: Sequence[Rulebook],
    rulebook_id: str,
    run_id: int,
    month: date,
    is_draft: bool,
) -> list[_Row]:
    lake = session.lake
    version = version_of(lake, books, rulebook_id, month)
    if is_draft and version.base is Base.CALIBRATED:
        raise TietoallasError(
            f"{rulebook_id} of {version.valid_from_date} is calibrated on cost, which only a build"
            " does; put the draft among the installed rulebooks, `tietoallas run`, and name it"
        )
    with lake.transaction():
        until = run_cut_off(lake, run_id)
        bench = freezing.month_inputs(session, version, until, month, is_draft=is_draft)
        bench.make("payee")
        reckoning.reckon(bench)
    return bench.rows(
        "select provider_id, is_shadow, sum(settled_eur), sum(draft_eur) from ("
        "select provider_id, is_shadow, line_eur as settled_eur, 0 as draft_eur"
        " from mart.capitation_payment where capitation_run_id = $run_id"
        " union all select correction.provider_id, correction.is_shadow, correction.amount_eur, 0"
        " from mart.capitation_adjustment as correction inner join mart.capitation_run as posting"
        " on correction.capitation_run_id = posting.capitation_run_id"
        " inner join mart.capitation_run as run on posting.service_code = run.service_code"
        " and correction.corrected_month = run.settlement_month"
        " where run.capitation_run_id = $run_id"
        " and correction.reason_code in ('late_act', 'withdrawn_act')"
        " union all select provider_id, is_shadow, 0, line_eur from settle.payment"
        ") as either group by provider_id, is_shadow order by all",
        run_id=run_id,
    )


def _summed(rows: Sequence[_Row]) -> tuple[Outcome, ...]:
    total: dict[tuple[str, bool], tuple[Decimal, Decimal]] = {}
    for provider, is_shadow, settled, draft in rows:
        before = total.get((provider, is_shadow), (Decimal(0), Decimal(0)))
        total[provider, is_shadow] = (before[0] + settled, before[1] + draft)
    outcomes = [Outcome(*who, *sums) for who, sums in total.items()]
    return tuple(sorted(outcomes, key=lambda o: (o.is_shadow, -o.difference_eur, o.provider_id)))
