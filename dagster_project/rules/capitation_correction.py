"""The correction factor of capitation, plainly: prior cost of a list over what was expected of it.

Here: levels by band of need, the ratio, its weight and bounds. Not here: who is on a list, or the
window that their cost is of (`sql/mart/capitation_correction_factor.sql`, which is held to this).
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal

from dagster_project.rules.capitation_rulebook import Version
from dagster_project.rules.capitation_tariff import UNITS_A_YEAR
from dagster_project.rules.rounding import half_up, ratio

_CENT = Decimal("0.01")
_MICRO = Decimal("0.000001")
_RATIO = Decimal("0.00000001")
NEED_BANDS = tuple(map(Decimal, ("0.5", "0.75", "1", "1.5", "2.5")))
"""Where a band of relative need begins; below the first is a band of its own."""


@dataclass(frozen=True)
class Prior:
    """A resident in the window before anyone had chosen."""

    groups: frozenset[str]
    """Lists the resident belongs to."""
    base_eur: Decimal
    """Euros per person-year of the age and sex."""
    regional_factor: Decimal
    relative_need: Decimal
    """1 in mode trial."""
    person_units: int
    observed_eur: Decimal
    has_public_contact: bool = True

    @property
    def expected_eur(self) -> Decimal:
        """What the factors already applied expect, to a millionth."""
        yearly = self.base_eur * self.regional_factor * self.relative_need
        return ratio(yearly * self.person_units, UNITS_A_YEAR, _MICRO)

    @property
    def band(self) -> int:
        """Number of the band of need."""
        return sum(self.relative_need >= start for start in NEED_BANDS)


@dataclass(frozen=True)
class Correction:
    """A list's factor and what it rests on."""

    factor: Decimal
    observed_eur: Decimal
    expected_eur: Decimal
    credibility_weight: Decimal
    raw_factor: Decimal
    share_without_contact: Decimal


def corrections(
    residents: Sequence[Prior], *, credibility_eur: Decimal, lower: Decimal, upper: Decimal
) -> dict[str, Correction]:
    """The factor of every list that has a resident in the window.

    What is expected is brought to what the region cost, by band of need: diagnoses and cost of one
    window speak of one another, and morbidity is never to count twice.

    Args:
        residents: Everybody who lived in the area in the window, on a list or not.
        credibility_eur: K: expected euros at which a list's own experience counts half.
        lower: Bound of the factor.
        upper: Bound of the factor.
    """
    levels = {band: _level([r for r in residents if r.band == band]) for band in range(6)}
    lists = sorted({name for r in residents for name in r.groups})
    return {
        name: _correction(
            [r for r in residents if name in r.groups],
            levels,
            credibility_eur=credibility_eur,
            bounds=(lower, upper),
        )
        for name in lists
    }


def of_version(residents: Sequence[Prior], version: Version) -> dict[str, Correction]:
    """Factors by the weight and bounds of a version of a scheme."""
    return corrections(
        residents,
        credibility_eur=version.credibility_eur,
        lower=version.factor_lower,
        upper=version.factor_upper,
    )


def _level(residents: Sequence[Prior]) -> Decimal:
    expected = _total(r.expected_eur for r in residents)
    return ratio(_total(r.observed_eur for r in residents), expected, _RATIO) if expected else _ZERO


_ZERO = Decimal(0)


def _total(amounts: Iterable[Decimal]) -> Decimal:
    return sum(amounts, _ZERO)


def _correction(
    members: Sequence[Prior],
    levels: dict[int, Decimal],
    *,
    credibility_eur: Decimal,
    bounds: tuple[Decimal, Decimal],
) -> Correction:
    observed = _total(r.observed_eur for r in members)
    by_band = (
        half_up(_total(r.expected_eur for r in members if r.band == band) * level, _MICRO)
        for band, level in levels.items()
    )
    expected = half_up(_total(by_band), _CENT)
    raw = ratio(observed, expected, _RATIO) if expected else Decimal(1)
    weight = ratio(expected, expected + credibility_eur, _RATIO) if expected else _ZERO
    factor = half_up(1 + weight * (raw - 1), _RATIO)
    unseen = sum(not r.has_public_contact for r in members)
    return Correction(
        factor=min(bounds[1], max(bounds[0], factor)),
        observed_eur=observed,
        expected_eur=expected,
        credibility_weight=weight,
        raw_factor=raw,
        share_without_contact=ratio(unseen, len(members), _RATIO),
    )
