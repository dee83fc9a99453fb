"""Allocation of an amount to classes by shares, so that the parts sum to the amount exactly.

Here: the method of the largest remainder in cents, and keys restated in another classification.
Not here: which keys hold on which date (`sql/core/ledger_allocation.sql`, which is held to this).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import ROUND_DOWN, Decimal

from dagster_project.rules.rounding import CENT


def allocate(amount: Decimal, shares: Mapping[str, Decimal]) -> dict[str, Decimal]:
    """Parts of an amount of whole cents by class, proportional to the shares.

    Each class gets its part rounded down to a cent; the cents left go, one each, to the largest
    remainders, of equal ones to the class that comes first by code. A negative amount is allocated
    as its opposite, so that a reversal takes back exactly what the line gave.

    Args:
        amount: euros, whole cents.
        shares: by class, none negative; their sum need not be 1. A class of share 0 gets no part.

    Raises:
        ValueError: no share is above zero, one is negative, or the amount has parts of a cent.
    """
    weights = {name: share for name, share in shares.items() if share}
    if not weights or min(weights.values()) < 0:
        raise ValueError("shares are not negative, and at least one is above zero")
    if amount != amount.quantize(CENT):
        raise ValueError(f"{amount} has parts of a cent")
    total = sum(weights.values())
    exact = {name: abs(amount) * share / total for name, share in weights.items()}
    parts = {name: part.quantize(CENT, ROUND_DOWN) for name, part in exact.items()}
    left = int((abs(amount) - sum(parts.values())) / CENT)
    order = sorted(parts, key=lambda name: (parts[name] - exact[name], name))
    for name in order[:left]:
        parts[name] += CENT
    return {name: part.copy_sign(amount) if part else part for name, part in parts.items()}


def restated(
    shares: Mapping[str, Decimal], mapping: Mapping[str, Mapping[str, Decimal]]
) -> dict[str, Decimal]:
    """Shares over the classes of another classification.

    Args:
        shares: by class of one classification.
        mapping: by class of it, the share that goes to each class of the other.

    Raises:
        KeyError: a class has no mapping.
    """
    found: dict[str, Decimal] = {}
    for name, share in shares.items():
        for other, part in mapping[name].items():
            found[other] = found.get(other, Decimal(0)) + share * part
    return found
