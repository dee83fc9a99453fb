"""Half-up rounding of decimals and fractions, at the steps that are named.

Here: rounding alone. Not here: which step rounds to what.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from decimal import ROUND_HALF_UP, Decimal, localcontext
from fractions import Fraction
from itertools import pairwise

CENT = Decimal("0.01")
PRECISION = 60
"""Digits in which rules divide: far more than any step keeps."""


def half_up(value: Decimal, unit: Decimal) -> Decimal:
    """The multiple of the unit nearest to a value, the one farther from nought of two as near."""
    with localcontext(prec=PRECISION):
        return value.quantize(unit, rounding=ROUND_HALF_UP)


def half_up_of_fraction(value: Fraction, unit: Decimal) -> Decimal:
    """The same of a fraction, which is exact whatever its denominator."""
    units = abs(value) / Fraction(unit)
    whole = (2 * units.numerator + units.denominator) // (2 * units.denominator)
    return unit * (whole if value >= 0 else -whole)


def ratio(numerator: Decimal | int, denominator: Decimal | int, unit: Decimal) -> Decimal:
    """A quotient, rounded half up once.

    Raises:
        decimal.DivisionByZero: the denominator is nought.
    """
    with localcontext(prec=PRECISION):
        return half_up(Decimal(numerator) / Decimal(denominator), unit)


def stepped(names: Sequence[str], running: Iterable[Fraction]) -> dict[str, Decimal]:
    """Euros by name, each the step between two running sums rounded to a cent.

    Args:
        names: one fewer than there are sums.
        running: sums, the first before any name.
    """
    cents = [half_up_of_fraction(total, CENT) for total in running]
    return {
        name: after - before for name, (before, after) in zip(names, pairwise(cents), strict=True)
    }
