"""A personal budget from assessment to euros: the rule in plain Python, for one to check SQL by.

Scores give a class by service, a class its units a month, units and price an amount; the amounts
together are the need. It is drawn towards what was used before, as a step of its own that is left
out where nothing tells of it, held within bounds, and goes by day from its start to its end. A
proposal alone: only a decision opens a ledger.

Here: those steps. Not here: what the rulebooks say (`personal_budget_rulebook`), the ledger
(`budget_ledger`), the queries (`sql/core/personal_budget_*`, `sql/mart/personal_budget_proposal`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from fractions import Fraction
from itertools import accumulate

from dagster_project.rules.rounding import CENT, half_up, half_up_of_fraction, stepped

MONTHS_A_YEAR = 12


@dataclass(frozen=True)
class Band:
    """Scores of a scale, both ends included, that give a class of a service."""

    need_scale_code: str
    score_from: int
    score_to: int
    class_number: int


@dataclass(frozen=True)
class Terms:
    """How a monthly sum comes of the need amount."""

    moderation_share: Decimal
    moderation_floor: Decimal
    moderation_ceiling: Decimal
    least_month_eur: Decimal
    most_month_eur: Decimal
    least_history_months: int


@dataclass(frozen=True)
class Proposal:
    """A proposal with the sum after each step."""

    need_month_eur: Decimal
    moderated_month_eur: Decimal
    bounded_month_eur: Decimal
    proposal_eur: Decimal
    unmoderated_eur: Decimal
    """What the proposal would be without the step of prior use."""
    services: Mapping[str, Decimal]
    """Euros by service, in order of code; together the proposal."""


def decided_class(scores: Mapping[str, int], bands: Sequence[Band]) -> tuple[str, int] | None:
    """The scale that gives the highest class of a service, and the class; None without a score.

    Of scales that give the same class the first by code.
    """
    found = [
        (-band.class_number, band.need_scale_code)
        for band in bands
        if band.need_scale_code in scores
        and band.score_from <= scores[band.need_scale_code] <= band.score_to
    ]
    if not found:
        return None
    number, scale = min(found)
    return scale, -number


def class_amount(month_units: Decimal, unit_price_eur: Decimal) -> Decimal:
    """Euros a month of a class of a service."""
    return half_up(month_units * unit_price_eur, CENT)


def prior_month(prior_use_eur: Decimal, history_months: int, terms: Terms) -> Decimal | None:
    """Prior use a month; None where the history is too short or nothing was used."""
    if history_months < max(terms.least_history_months, 1) or prior_use_eur <= 0:
        return None
    return half_up_of_fraction(Fraction(prior_use_eur) / history_months, CENT)


def moderated(need_eur: Decimal, prior_eur: Decimal | None, terms: Terms) -> Decimal:
    """The need amount drawn towards prior use, no further than its own shares allow."""
    if prior_eur is None:
        return need_eur
    drawn = half_up(need_eur + terms.moderation_share * (prior_eur - need_eur), CENT)
    most = half_up(terms.moderation_ceiling * need_eur, CENT)
    return max(min(drawn, most), half_up(terms.moderation_floor * need_eur, CENT))


def bounded(month_eur: Decimal, terms: Terms) -> Decimal:
    """A monthly sum within the least and the most of the client group."""
    return min(max(month_eur, terms.least_month_eur), terms.most_month_eur)


def accrual_end(starts: date, *, left: date | None = None, died: date | None = None) -> date:
    """First day on which a budget that starts on a day no longer accrues.

    The year's end, the day after death, or the day of leaving the area, whichever comes first.
    """
    ends = [date(starts.year + 1, 1, 1)]
    if left is not None and left > starts:
        ends.append(left)
    if died is not None:
        ends.append(died + timedelta(days=1))
    return max(min(ends), starts)


def of_days(month_eur: Decimal, starts: date, ends: date) -> Decimal:
    """Euros of a span of days in one calendar year: twelve months by day of the year."""
    year_days = (date(starts.year + 1, 1, 1) - date(starts.year, 1, 1)).days
    year_eur = Fraction(month_eur) * MONTHS_A_YEAR
    return half_up_of_fraction(year_eur * (ends - starts).days / year_days, CENT)


def propose(
    amounts: Mapping[str, Decimal],
    prior_eur: Decimal | None,
    terms: Terms,
    *,
    starts: date,
    ends: date,
) -> Proposal:
    """A proposal of class amounts by service; all of them are above nought.

    Raises:
        ValueError: no amount is given.
    """
    if not amounts:
        raise ValueError("no service has a class above 0: there is nothing to propose")
    need = sum(amounts.values(), Decimal(0))
    drawn = moderated(need, prior_eur, terms)
    held = bounded(drawn, terms)
    total = of_days(held, starts, ends)
    names = sorted(amounts)
    running = accumulate((amounts[name] for name in names), initial=Decimal(0))
    return Proposal(
        need_month_eur=need,
        moderated_month_eur=drawn,
        bounded_month_eur=held,
        proposal_eur=total,
        unmoderated_eur=of_days(bounded(need, terms), starts, ends),
        services=stepped(names, (Fraction(total) * Fraction(r) / Fraction(need) for r in running)),
    )
