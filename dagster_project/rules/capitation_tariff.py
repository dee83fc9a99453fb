"""The tariff of capitation, plainly: euros per person-year by age band and sex.

Here: a base drawn from the cost of the basket, and thin cells drawn to what was expected of them.
Not here: whose cost and days count (`sql/mart/capitation_tariff.sql`, which is held to this).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal, localcontext
from typing import TypeVar

from dagster_project.rules.rounding import PRECISION, half_up, ratio

UNITS_A_YEAR = 365 * 366
"""Person-years are counted in these, so that days of common and of leap years add up exactly."""
_MICRO = Decimal("0.000001")
_WEIGHT = Decimal("0.00000001")
Cell = TypeVar("Cell")


@dataclass(frozen=True)
class Experience:
    """What a cell of age and sex is expected to cost by its amount, and what it did cost."""

    amount_eur: Decimal
    """Euros per person-year before any cost was seen."""
    person_units: int
    cost_eur: Decimal


@dataclass(frozen=True)
class Rate:
    """Euros per person-year of a cell, and the weight its own cost has in them."""

    base_eur: Decimal
    credibility_weight: Decimal


def person_units(days: Iterable[tuple[date, int]]) -> int:
    """Days by month as units of a person-year: 366 a day in a common year, 365 in a leap year."""
    return sum(count * (366 if year_days(month.year) == 365 else 365) for month, count in days)


def year_days(year: int) -> int:
    """365 or 366."""
    return (date(year + 1, 1, 1) - date(year, 1, 1)).days


def calibrated(cells: Mapping[Cell, Experience], *, credibility_eur: Decimal) -> dict[Cell, Rate]:
    """Rates that give back the region's cost, thin cells near what their amount says.

    Steps, each rounded half up (euros to a millionth, weights to a hundred-millionth): amounts
    brought to the level of the region's cost; a cell's own mean weighed Z = E / (E + K), E being
    what is expected of it in euros; all of them scaled to give back the cost.

    Args:
        cells: Experience by cell.
        credibility_eur: K: expected euros at which a cell's own mean counts half.
    """
    with localcontext(prec=PRECISION):
        return _calibrated(cells, credibility_eur)


def _calibrated(cells: Mapping[Cell, Experience], credibility_eur: Decimal) -> dict[Cell, Rate]:
    lived = [c for c in cells.values() if c.person_units]
    cost = sum((c.cost_eur for c in lived), Decimal(0)) * UNITS_A_YEAR
    expected = sum((c.amount_eur * c.person_units for c in lived), Decimal(0))
    blended = {
        name: _blended(c, _scaled(c.amount_eur, cost, expected), credibility_eur)
        for name, c in cells.items()
    }
    returned = sum((blended[n].base_eur * c.person_units for n, c in cells.items()), Decimal(0))
    return {
        name: Rate(_scaled(rate.base_eur, cost, returned), rate.credibility_weight)
        for name, rate in blended.items()
    }


def _scaled(eur: Decimal, wanted: Decimal, given: Decimal) -> Decimal:
    """An amount at the level of what is wanted, or as it is where there is nothing to go by."""
    return ratio(eur * wanted, given, _MICRO) if wanted > 0 and given > 0 else eur


def _blended(cell: Experience, prior_eur: Decimal, credibility_eur: Decimal) -> Rate:
    if not cell.person_units:
        return Rate(prior_eur, Decimal(0))
    own_eur = ratio(cell.cost_eur * UNITS_A_YEAR, cell.person_units, _MICRO)
    expected = prior_eur * cell.person_units
    total = expected + credibility_eur * UNITS_A_YEAR
    weight = ratio(expected, total, _WEIGHT) if total else Decimal(0)
    return Rate(half_up(weight * own_eur + (1 - weight) * prior_eur, _MICRO), weight)
