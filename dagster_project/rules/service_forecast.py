"""The forecast of service need, plainly: what ageing makes of use, and a scenario of that.

Here: growth by the projection, scenarios, intervals. Not here: what people used, or how many they
will be (`sql/core/forecast_*.sql` and `service_forecast.sql`, which are held to this).
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import TypeVar

from dagster_project.rules.rounding import CENT, half_up, ratio

Cell = TypeVar("Cell", bound=Hashable)

_FACTOR = Decimal("0.00000001")
_Z = Decimal("1.96")
YEAR_PARTS = 24
"""Parts of a year in which the middle of a time is told: half months."""


@dataclass(frozen=True)
class Supposed:
    """What a scenario supposes of a service package, a year."""

    change: Decimal = Decimal(0)
    moved_share: Decimal = Decimal(0)
    moved_to: str | None = None
    moved_ratio: Decimal = Decimal(0)
    """Euros where it moves to, for a euro."""


def nearness(year: int, middle: int) -> int:
    """How much the end of a year counts for a time whose middle is so many half months on.

    Between two ends of years both count, together `YEAR_PARTS`.
    """
    return max(YEAR_PARTS - abs(YEAR_PARTS * year - middle), 0)


def growth(
    rates: Mapping[Cell, Decimal], base: Mapping[Cell, int], target: Mapping[Cell, int]
) -> Decimal | None:
    """What the people of the target would use over what those of the base do, at the same rates.

    None where those of the base use nothing.
    """
    used = sum((rate * base.get(cell, 0) for cell, rate in rates.items()), Decimal(0))
    will = sum((rate * target.get(cell, 0) for cell, rate in rates.items()), Decimal(0))
    return ratio(will, used, _FACTOR) if used else None


def foreseen(
    base_eur: Mapping[str, Decimal],
    growths: Mapping[str, Decimal],
    supposed: Mapping[str, Supposed],
    *,
    years: Decimal,
    length: Decimal,
) -> dict[str, Decimal]:
    """Euros by service package.

    Args:
        base_eur: Cost of each package in the base.
        growths: What ageing makes of it, as a factor.
        supposed: What is supposed of a package; of one not named, that use stays.
        years: For how long suppositions go on.
        length: Of what is foreseen, over that of the base.
    """
    found: dict[str, Decimal] = {}
    for package, euros in base_eur.items():
        terms = supposed.get(package, Supposed())
        factor = growths[package] * (1 + terms.change) ** years * length
        kept = (1 - terms.moved_share) ** years
        flows = {package: factor * kept}
        if terms.moved_to is not None:
            flows[terms.moved_to] = factor * (1 - kept) * terms.moved_ratio
        for to, part in flows.items():
            found[to] = found.get(to, Decimal(0)) + half_up(euros * half_up(part, _FACTOR), CENT)
    return found


def interval(
    cost: Decimal, *, chance: Decimal, population_error: Decimal, use_error: Decimal
) -> tuple[Decimal, Decimal]:
    """The 95 % interval of what is foreseen: to either side by as many times.

    Chance among persons is there twice, in the base and in what comes; the errors of the projection
    and of use at a given age are free of it and of each other. All are shares of the cost.
    """
    spread = (_Z * (2 * chance**2 + population_error**2 + use_error**2).sqrt()).exp()
    return half_up(cost / spread, CENT), half_up(cost * spread, CENT)
