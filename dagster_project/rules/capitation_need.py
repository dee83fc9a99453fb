"""The need factor of a list, plainly: what its people are expected to cost, given what they have.

Here: the mean over a list, and the region's mean made 1 month by month. Not here: what a person is
expected to cost (`need.fit`), who is on a list (`sql/mart/capitation_need_factor.sql`, which is
held to this).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal

from dagster_project.rules.rounding import ratio

_RATIO = Decimal("0.00000001")


@dataclass(frozen=True)
class Stay:
    """Days of a person, or of many alike, on a list in a month."""

    base_eur: Decimal
    """Euros per person-year of their age and sex."""
    days: int
    relative_need: Decimal
    """Expected cost given morbidity over that given age and sex alone."""


def need_factors(
    lists: Mapping[str, Iterable[Stay]], elsewhere: Iterable[Stay] = ()
) -> dict[str, Decimal]:
    """Factor by list, such that the region's mean, by euros of age and sex, is 1.

    Args:
        lists: Stays on each list of the month.
        elsewhere: Of residents on no list that is paid; they count in the region's mean.
    """
    known = {name: tuple(stays) for name, stays in lists.items()}
    everybody = [stay for stays in known.values() for stay in stays] + list(elsewhere)
    if not _by_age_sex(everybody):
        return {}
    mean = ratio(_by_need(everybody), _by_age_sex(everybody), _RATIO)
    return {
        name: ratio(_by_need(stays), _by_age_sex(stays) * mean, _RATIO)
        for name, stays in known.items()
        if _by_age_sex(stays)
    }


def _by_age_sex(stays: Iterable[Stay]) -> Decimal:
    return sum((s.base_eur * s.days for s in stays), Decimal(0))


def _by_need(stays: Iterable[Stay]) -> Decimal:
    return sum((s.base_eur * s.days * s.relative_need for s in stays), Decimal(0))
