"""What a provider is paid for its list in a month: the rule in exact decimals, for one to check by.

A rate is an amount per person-year with every factor applied; a payment is a rate for the part of
a year that person-days are. Rates are kept to 8 decimals, euros are rounded at one step alone: the
line. Halves go away from zero, so that a reversal takes back exactly what was given.

Here: rates, amounts, corrections, budget neutrality, steps of list size, acts and incentives. Not
here: who is on a list or what a factor is (`sql/settlement`, which is held to this, and the marts).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_HALF_UP, Context, Decimal
from itertools import accumulate, pairwise

from dagster_project.rules.allocation import allocate
from dagster_project.rules.rounding import CENT

RATE_STEP = Decimal("0.00000001")
FACTOR_STEP = Decimal("0.00000001")
_EXACT = Context(prec=80)
"""Digits enough for any product of an amount and five factors: nothing is rounded unasked."""


@dataclass(frozen=True)
class Cell:
    """Person-days that are paid at one rate."""

    person_days: int
    base_eur: Decimal
    regional_factor: Decimal = Decimal(1)
    need_factor: Decimal = Decimal(1)
    correction_factor: Decimal = Decimal(1)


def days_in_year(month: date) -> int:
    """366 in leap years, else 365."""
    year = month.year
    return 366 if year % 4 == 0 and (year % 100 != 0 or year % 400 == 0) else 365


def half_up(value: Decimal, step: Decimal) -> Decimal:
    """To the nearest step, halves away from zero."""
    return value.quantize(step, ROUND_HALF_UP, _EXACT)


def rate(base_eur: Decimal, *factors: Decimal) -> Decimal:
    """Euros per person-year, all factors applied, to 8 decimals."""
    product = base_eur
    for factor in factors:
        product = _EXACT.multiply(product, factor)
    return half_up(product, RATE_STEP)


def amount(rate_eur: Decimal, person_days: int, year_days: int) -> Decimal:
    """Euros for person-days at a rate per person-year, to a cent."""
    return half_up(_EXACT.divide(_EXACT.multiply(rate_eur, person_days), year_days), CENT)


def line(cell: Cell, year_days: int) -> Decimal:
    """What a cell is paid, before neutrality."""
    return amount(_rate_of(cell), cell.person_days, year_days)


def _rate_of(cell: Cell) -> Decimal:
    return rate(cell.base_eur, cell.regional_factor, cell.need_factor, cell.correction_factor)


def neutral(cells: Sequence[Cell], year_days: int) -> tuple[Decimal, list[Decimal]]:
    """The factor that keeps a month within its budget, and each cell's part of it.

    The budget is what the same person-days cost at their base amounts, each to a cent: factors move
    it between lists and change it by nothing. Cents that are left go to the largest remainders, of
    equal ones to the cell that comes first.

    Returns:
        Budget over the unrounded sum at full rates (to 8 decimals, 1 where there is nothing to
        pay), and euros by cell, which sum to the budget exactly.
    """
    budget = sum((amount(c.base_eur, c.person_days, year_days) for c in cells), Decimal(0))
    weights = {f"{n:09d}": _EXACT.multiply(_rate_of(c), c.person_days) for n, c in enumerate(cells)}
    total = sum(weights.values(), Decimal(0))
    if not total:
        return Decimal(1), [Decimal(0) for _ in cells]
    factor = half_up(_EXACT.divide(_EXACT.multiply(budget, year_days), total), FACTOR_STEP)
    parts = allocate(budget, weights)
    return factor, [parts.get(name, Decimal(0)) for name in weights]


def steps_of_list(
    person_days: int, month_days: int, year_days: int, steps: Mapping[int, Decimal]
) -> list[Decimal]:
    """What the size of a list adds or takes: for each step, the days beyond it at its amount.

    Args:
        person_days: of the whole list in the month.
        month_days: days of the month, by which persons become person-days.
        year_days: days of the year.
        steps: euros per person-year, added for each person beyond so many.
    """
    return [
        amount(eur, max(0, person_days - persons * month_days), year_days)
        for persons, eur in sorted(steps.items())
    ]


def correction(
    settled_days: int, changes: Sequence[int], rate_eur: Decimal, year_days: int
) -> list[Decimal]:
    """Euros of each change to the person-days of a closed cell, in their order.

    Each is the difference of two amounts, so that line and corrections together are what one line
    over the corrected days would have been, to the cent.
    """
    days = list(accumulate(changes, initial=settled_days))
    return [
        amount(rate_eur, after, year_days) - amount(rate_eur, before, year_days)
        for before, after in pairwise(days)
    ]


def incentive(earned_eur: Decimal, share: Decimal) -> Decimal:
    """A share of what was earned otherwise, to a cent."""
    return half_up(_EXACT.multiply(earned_eur, share), CENT)


def incentive_correction(
    earned_eur: Decimal, changes: Sequence[Decimal], share: Decimal
) -> list[Decimal]:
    """Euros of incentive for each change to what was earned in a closed month, in their order.

    Each is the difference of two shares, so that incentive and corrections together are the share
    of the corrected sum, to the cent.
    """
    earned = list(accumulate(changes, initial=earned_eur))
    return [
        incentive(after, share) - incentive(before, share) for before, after in pairwise(earned)
    ]


def age_on(birth_date: date, day: date) -> int:
    """Full years; who was born on 29 February turns on 1 March in common years."""
    before = (day.month, day.day) < (birth_date.month, birth_date.day)
    return day.year - birth_date.year - before
