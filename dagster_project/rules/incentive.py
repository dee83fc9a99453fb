"""Indicators to a score, a score to euros: the rule in exact fractions, for one to check by.

A value becomes a part of 1 between its floor and its target; the parts are weighed; the score above
or below a neutral one is a bonus or a sanction, a share of what was paid for the list. What was not
scheduled or is too small gives its weight to the others in proportion. What is due and not
delivered, or declared unfit by who reports it, is at the floor where that is the provider itself,
who must not gain by either; where it is somebody else it is as it was last, and gives its weight
to the others where it never was measured.

Here: parts, weights, scores, shares, euros and achievement payments. Not here: what a scheme says
(`incentive_scheme`), the values and their states (`sql/mart/indicator_value.sql`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction
from itertools import accumulate

from dagster_project.rules.rounding import CENT, half_up_of_fraction, stepped

STEP = Decimal("0.00000001")
"""Parts are kept to eight decimals: the one step at which a score is rounded before euros."""


class State(StrEnum):
    """What is known of an indicator of a provider in a period."""

    MEASURED = "measured"
    NOT_SCHEDULED = "not_scheduled"
    TOO_SMALL = "too_small"
    OVERDUE = "overdue"
    UNRELIABLE = "unreliable"


@dataclass(frozen=True)
class Item:
    """An indicator of a provider in a period, as it is scored."""

    indicator_id: str
    weight: Decimal
    state: State
    part: Decimal | None = None
    """Of 1, where it is measured."""
    last_part: Decimal | None = None
    """Of the last period in which it was measured."""
    is_reported_by_provider: bool = False


@dataclass(frozen=True)
class Terms:
    """What a score is worth."""

    neutral_score: Decimal
    bonus_share: Decimal
    sanction_share: Decimal
    minimum_weight: Decimal


@dataclass(frozen=True)
class Scored:
    """A provider's score with all that led to it; None where too little was measured."""

    measured_weight: Decimal
    score: Fraction | None
    effective_weights: Mapping[str, Fraction]
    """Of the indicators that count; together 1."""
    parts: Mapping[str, Decimal]
    """Of the indicators that count."""


def part_of(value: Decimal, *, floor: Decimal, target: Decimal) -> Decimal:
    """Where a value lies from floor (0) to target (1), to eight decimals; both ways of better.

    Raises:
        ValueError: floor and target are one.
    """
    if floor == target:
        raise ValueError("floor and target are one; an indicator needs room between them")
    reached = Fraction(value - floor) / Fraction(target - floor)
    return half_up_of_fraction(min(max(reached, Fraction(0)), Fraction(1)), STEP)


def quotient(numerator: Decimal, denominator: Decimal, multiplier: int) -> Decimal:
    """The value of an indicator, to four decimals.

    Raises:
        ZeroDivisionError: the denominator is nought.
    """
    return half_up_of_fraction(
        Fraction(numerator) / Fraction(denominator) * multiplier, Decimal("0.0001")
    )


def part_that_counts(item: Item) -> Decimal | None:
    """The part at which an indicator is weighed; None where its weight goes to the others.

    Raises:
        ValueError: it is measured and has no part.
    """
    match item.state:
        case State.MEASURED:
            if item.part is None:
                raise ValueError(f"{item.indicator_id} is measured and has no value")
            return item.part
        case State.OVERDUE | State.UNRELIABLE:
            return Decimal(0) if item.is_reported_by_provider else item.last_part
        case _:
            return None


def score(items: Sequence[Item], minimum_weight: Decimal) -> Scored:
    """The weighted mean of the parts that count, where they weigh enough.

    Raises:
        ValueError: the weights of all items do not sum to 1.
    """
    if sum(item.weight for item in items) != 1:
        raise ValueError("weights do not sum to 1; correct the scheme")
    parts = {
        item.indicator_id: part
        for item in items
        if item.weight and (part := part_that_counts(item)) is not None
    }
    weights = {item.indicator_id: item.weight for item in items if item.indicator_id in parts}
    measured = sum(weights.values(), Decimal(0))
    if not measured or measured < minimum_weight:
        return Scored(measured, None, {}, {})
    effective = {name: Fraction(weight) / Fraction(measured) for name, weight in weights.items()}
    total = sum((effective[name] * Fraction(parts[name]) for name in parts), Fraction(0))
    return Scored(measured, total, effective, parts)


def share_of_capitation(scored: Fraction, terms: Terms) -> Fraction:
    """What a score adds to each euro paid for the list, or takes: nought at the neutral score."""
    return (scored - Fraction(terms.neutral_score)) * _slope(scored, terms)


def _slope(scored: Fraction, terms: Terms) -> Fraction:
    """Share of capitation by point of score, on the score's own side of the neutral one."""
    neutral = Fraction(terms.neutral_score)
    if scored >= neutral:
        return Fraction(terms.bonus_share) / (1 - neutral)
    return Fraction(terms.sanction_share) / neutral


def worth(scored: Scored, terms: Terms, capitation_eur: Decimal) -> dict[str, Decimal]:
    """Euros of each indicator that counts, in order of their ids; together the bonus or sanction.

    Each is the difference of two running sums rounded to a cent, so that they sum exactly.
    """
    if scored.score is None:
        return {}
    each = Fraction(capitation_eur) * _slope(scored.score, terms)
    names = sorted(scored.parts)
    exact = (
        each
        * scored.effective_weights[name]
        * (Fraction(scored.parts[name]) - Fraction(terms.neutral_score))
        for name in names
    )
    return stepped(names, accumulate(exact, initial=Fraction(0)))


def neutral_adjustments(
    amounts: Mapping[str, Decimal], capitation: Mapping[str, Decimal]
) -> dict[str, Decimal]:
    """What makes bonuses and sanctions of all providers sum to nought, shared by capitation.

    Where cents fall goes by euros; names decide only between those who are alike in all.

    Args:
        amounts: bonus or sanction by provider.
        capitation: euros paid for the list by provider, of the same ones.
    """
    whole, base = sum(amounts.values(), Decimal(0)), sum(capitation.values(), Decimal(0))
    if not base:
        return dict.fromkeys(amounts, Decimal("0.00"))
    names = sorted(amounts, key=lambda name: (capitation[name], amounts[name], name))
    running = accumulate((capitation[name] for name in names), initial=Decimal(0))
    return stepped(names, (-Fraction(whole) * Fraction(r) / Fraction(base) for r in running))


def achievement_share(reached: Decimal, whole: Decimal, excluded: Decimal) -> Fraction:
    """D = A / (B - C): how many of those who count have what was aimed at.

    Raises:
        ValueError: nobody counts, or more have it than count.
    """
    counted = whole - excluded
    if counted <= 0:
        raise ValueError("nobody counts: as many are excluded as there are; there is no share")
    if not 0 <= reached <= counted:
        raise ValueError("the numerator is above its denominator or below nought; correct it")
    return Fraction(reached) / Fraction(counted)


def achievement_points(
    share: Fraction, *, floor: Decimal, target: Decimal, points: Decimal
) -> Fraction:
    """(D - E) / (F - E) x G, from nought to G.

    Raises:
        ValueError: floor E and target F are one.
    """
    if floor == target:
        raise ValueError("floor and target are one; an achievement needs room between them")
    earned = (share - Fraction(floor)) / (Fraction(target) - Fraction(floor)) * Fraction(points)
    return min(max(earned, Fraction(0)), Fraction(points))


def achievement_payment(points: Fraction, eur_per_point: Decimal) -> Decimal:
    """Euros of points, to a cent."""
    return half_up_of_fraction(points * Fraction(eur_per_point), CENT)


def wilson(numerator: float, denominator: float, z: float = 1.96) -> tuple[float, float]:
    """Score interval of a share (Wilson 1927)."""
    middle = numerator + z * z / 2
    spread = z * (numerator * (denominator - numerator) / denominator + z * z / 4) ** 0.5
    whole = denominator + z * z
    return (middle - spread) / whole, (middle + spread) / whole


def byar(events: float, denominator: float, z: float = 1.96) -> tuple[float, float]:
    """Byar's approximation to the exact Poisson interval of a rate (Breslow and Day 1987)."""
    more = events + 1
    upper = more * (1 - 1 / (9 * more) + z / (3 * more**0.5)) ** 3
    if not events:
        return 0.0, upper / denominator
    lower = events * max(1 - 1 / (9 * events) - z / (3 * events**0.5), 0.0) ** 3
    return lower / denominator, upper / denominator
