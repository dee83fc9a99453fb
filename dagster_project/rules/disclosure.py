"""What of a cell may be told to anybody: the rule of disclosure control, over values alone.

Counts up to the floor are redacted (None), others rounded; a total is the sum of its rounded parts;
euros are told of enough persons of whom no two hold nearly all, to a step so wide that an amount
and the factors beside it tell no count more nearly than its own rounding does; what is worked out
from a redacted count is redacted; an interval is worked out anew from what is told.

Here: limits, and each kind of cell. Not here: which column is of which kind
(`contracts.published`), tables (`publish.disclosure`).
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass, fields
from decimal import Decimal

from dagster_project.rules.incentive import byar, wilson
from dagster_project.rules.rounding import half_up

Number = int | Decimal


@dataclass(frozen=True)
class Limits:
    """How much is told; the values here are the loosest that are allowed without saying why."""

    count_floor: int = 7
    """Greatest count that is redacted; nought is too, or a gap would tell of somebody."""
    count_step: int = 5
    euro_person_count: int = 5
    """Persons that a sum of euros is told of at least; their count must be one that is told."""
    euro_step: int = 1000
    top_two_share: Decimal = Decimal("0.85")
    """Greatest share of a sum of euros that two persons may hold."""
    factor_decimals: int = 3
    value_digits: int = 2
    """Significant digits of a rate or mean."""


_NARROWER_WHEN_LESS = frozenset({"top_two_share", "factor_decimals", "value_digits"})


def loosened(limits: Limits) -> tuple[str, ...]:
    """Names of limits that tell more than may be told without saying why."""
    loosest = Limits()
    return tuple(
        name
        for name in (field.name for field in fields(Limits))
        if (
            getattr(limits, name) > getattr(loosest, name)
            if name in _NARROWER_WHEN_LESS
            else getattr(limits, name) < getattr(loosest, name)
        )
    )


def is_told(count: Number | None, limits: Limits) -> bool:
    """Whether a count, and what rests on it, may be told."""
    return count is not None and count > limits.count_floor


def told_count(count: Number | None, limits: Limits, *, persons: Number | None) -> int | None:
    """A count of persons, or of what they did, to the step; None where either is too small.

    Args:
        count: As it is.
        limits: In force.
        persons: How many persons it is of; of a count of persons itself.
    """
    if not (is_told(count, limits) and is_told(persons, limits)):
        return None
    return _stepped(Decimal(count or 0), limits.count_step)


def total(parts: Iterable[Number | None]) -> Number | None:
    """The sum of the parts that are told; None where none is."""
    told = [part for part in parts if part is not None]
    return sum(told) if told else None


@dataclass(frozen=True)
class Euros:
    """A sum of euros, whose persons are counted, and what the two with most hold of it."""

    amount: Decimal
    person_count: int
    top_two: Decimal
    """Or more: where it is not known to the cent, no less than it is."""
    within: Hashable = None
    """What cells it adds up with: a month, say."""


def told_euros(cells: Sequence[Euros], limits: Limits) -> list[int | None]:
    """Sums to the step, in the order given; None where one may not be told.

    Where one is removed and what is removed beside it could be worked out from a total known
    elsewhere, the smallest of the others go too, until two are gone that hold enough persons.
    """
    removed = {i for i, cell in enumerate(cells) if not _may_be_told(cell, limits)}
    groups: dict[Hashable, list[int]] = {}
    for i, cell in enumerate(cells):
        groups.setdefault(cell.within, []).append(i)
    for members in groups.values():
        removed |= _complement(cells, members, removed & {*members}, limits)
    return [
        None if i in removed else _stepped(cell.amount, euro_step(cell, limits))
        for i, cell in enumerate(cells)
    ]


def euro_step(cell: Euros, limits: Limits) -> int:
    """The step of a sum: that of the limits, or as many of it as a count's step of persons cost."""
    mean = abs(cell.amount) * limits.count_step / max(cell.person_count, 1)
    return limits.euro_step * max(1, math.ceil(mean / limits.euro_step))


def _may_be_told(cell: Euros, limits: Limits) -> bool:
    is_enough = cell.person_count >= limits.euro_person_count
    is_spread = abs(cell.top_two) <= limits.top_two_share * abs(cell.amount)
    return is_enough and is_told(cell.person_count, limits) and is_spread


def _complement(
    cells: Sequence[Euros], members: Sequence[int], removed: set[int], limits: Limits
) -> set[int]:
    """What goes beside what is removed of a group."""
    gone = set(removed)
    for i in sorted((m for m in members if m not in gone), key=lambda m: abs(cells[m].amount)):
        enough = is_told(sum(cells[g].person_count for g in gone), limits)
        if not removed or (len(gone) > 1 and enough):
            break
        gone.add(i)
    return gone


def told_factor(
    factor: Decimal | None, limits: Limits, *, persons: Number | None
) -> Decimal | None:
    """A factor or share to the decimals; None where its persons are not told."""
    return told_index(factor, limits) if is_told(persons, limits) else None


def told_index(value: Decimal | None, limits: Limits) -> Decimal | None:
    """A figure that was made of many, each of enough persons, to the decimals of a factor."""
    return None if value is None else half_up(value, Decimal(1).scaleb(-limits.factor_decimals))


@dataclass(frozen=True)
class Rate:
    """A rate, share or mean, and what it was worked out from."""

    value: Decimal | None
    numerator: Decimal | None
    denominator: Decimal | None
    interval_code: str
    """wilson (a share of a whole), byar (events by exposure) or none (a mean)."""


def told_rate(rate: Rate, limits: Limits) -> Decimal | None:
    """The rate to its digits; None where its base, its cases or those who are none are too few."""
    if rate.value is None or not is_told(rate.denominator, limits):
        return None
    if rate.interval_code != "none" and not is_told(rate.numerator, limits):
        return None
    others = (rate.denominator or 0) - (rate.numerator or 0)
    if rate.interval_code == "wilson" and not is_told(others, limits):
        return None
    return _to_digits(rate.value, limits.value_digits)


def told_interval(
    told: Decimal | None, base: int | None, *, interval_code: str, multiplier: int, limits: Limits
) -> tuple[Decimal | None, Decimal | None]:
    """The 95 % interval of a told rate over its told base: it tells nothing that they do not."""
    if told is None or not base or interval_code == "none":
        return None, None
    found = float(told) * base / multiplier
    bounds = wilson(min(found, base), base) if interval_code == "wilson" else byar(found, base)
    lower, upper = (
        _to_digits(half_up(Decimal(b * multiplier), Decimal("0.0001")), limits.value_digits)
        for b in bounds
    )
    return lower, upper


def _stepped(value: Decimal, step: int) -> int:
    return int(half_up(value / step, Decimal(1))) * step


def _to_digits(value: Decimal, digits: int) -> Decimal:
    """So many significant digits, written without an exponent."""
    if value == 0:
        return Decimal(0)
    return Decimal(f"{half_up(value, Decimal(1).scaleb(value.adjusted() - digits + 1)):f}")
