"""Scores, weights, euros and achievement payments, worked by hand.

Here: the rule in plain Python. Not here: that SQL says the same (`tests/property/test_incentive`).
"""

from __future__ import annotations

from decimal import Decimal
from fractions import Fraction

import pytest

from dagster_project.rules import incentive
from dagster_project.rules.incentive import Item, State, Terms

D = Decimal
HALF = D("0.5")
TERMS = Terms(D("0.5"), D("0.05"), D("0.04"), D("0.5"))
EXCLUDED = (State.NOT_SCHEDULED, State.TOO_SMALL, State.UNRELIABLE)


def items(weights: str, last: Item | None = None, parts: str = "0.2 0.4 0.6 0.8") -> list[Item]:
    """Measured items of weights in hundredths; the last may be another."""
    found = [
        Item(f"i{n}", D(weight) / 100, State.MEASURED, D(part))
        for n, (weight, part) in enumerate(zip(weights.split(), parts.split(), strict=True))
    ]
    return [*found[:-1], last] if last else found


def gone(weight: str, state: State, *, by_provider: bool = False, last: str = "") -> Item:
    return Item("i3", D(weight) / 100, state, None, D(last) if last else None, by_provider)


@pytest.mark.parametrize("state", EXCLUDED)
@pytest.mark.parametrize(
    ("weights", "due"),
    [
        ("10 25 40 25", [Fraction(40, 3), Fraction(100, 3), Fraction(160, 3)]),
        ("20 30 30 20", [Fraction(25), Fraction(75, 2), Fraction(75, 2)]),
    ],
)
def test_the_weight_of_the_last_goes_to_the_others_in_proportion(
    state: State, weights: str, due: list[Fraction]
) -> None:
    """13 1/3, 33 1/3 and 53 1/3; 25, 37.5 and 37.5: as fractions, nothing rounded."""
    scored = incentive.score(items(weights, gone(weights.rsplit(maxsplit=1)[-1], state)), HALF)
    assert [w * 100 for w in scored.effective_weights.values()] == due
    assert scored.score == sum(
        w / 100 * p
        for w, p in zip(due, (Fraction(1, 5), Fraction(2, 5), Fraction(3, 5)), strict=True)
    )


@pytest.mark.parametrize("state", [State.OVERDUE, State.UNRELIABLE])
def test_what_the_provider_owes_or_calls_unfit_keeps_its_weight(state: State) -> None:
    """At the floor: 0.1 x 0.2 + 0.25 x 0.4 + 0.4 x 0.6 = 0.36."""
    last = gone("25", state, by_provider=True, last="1")
    scored = incentive.score(items("10 25 40 25", last), HALF)
    assert scored.score == Fraction(36, 100)
    assert scored.effective_weights["i3"] == Fraction(1, 4)


@pytest.mark.parametrize("state", [State.OVERDUE, State.UNRELIABLE])
def test_what_others_report_late_or_unfit_counts_as_it_was_last(state: State) -> None:
    """0.36 + 0.25 x 0.8."""
    scored = incentive.score(items("10 25 40 25", gone("25", state, last="0.8")), HALF)
    assert scored.score == Fraction(56, 100)


@pytest.mark.parametrize("state", [State.OVERDUE, State.UNRELIABLE])
def test_a_figure_of_others_that_never_was_gives_its_weight_away(state: State) -> None:
    scored = incentive.score(items("10 25 40 25", gone("25", state)), HALF)
    assert "i3" not in scored.effective_weights


def test_below_the_minimum_of_measured_weight_there_is_no_score() -> None:
    most = items("10 25 40 25", gone("25", State.TOO_SMALL))
    assert incentive.score(most, D("0.75")).score is not None
    below = incentive.score(most, D("0.76"))
    assert (below.score, below.effective_weights) == (None, {})
    assert below.measured_weight == D("0.75")
    assert incentive.worth(below, TERMS, D(1000)) == {}


def test_nothing_measured_is_no_score_even_without_a_minimum() -> None:
    assert incentive.score([gone("100", State.TOO_SMALL)], D(0)).score is None


def test_weights_that_do_not_sum_to_one_are_refused() -> None:
    with pytest.raises(ValueError, match="sum to 1"):
        incentive.score(items("10 25 40 24"), HALF)


@pytest.mark.parametrize(
    ("value", "floor", "target", "part"),
    [
        ("60", "50", "75", "0.40000000"),
        ("50", "50", "75", "0"),
        ("12", "50", "75", "0"),
        ("90", "50", "75", "1.00000000"),
        ("26.5", "46", "7", "0.50000000"),
        ("7", "46", "7", "1.00000000"),
        ("60", "46", "7", "0"),
        ("51", "50", "53", "0.33333333"),
    ],
)
def test_a_value_between_floor_and_target(value: str, floor: str, target: str, part: str) -> None:
    assert incentive.part_of(D(value), floor=D(floor), target=D(target)) == D(part)


def test_euros_of_indicators_sum_to_the_bonus() -> None:
    """Score 0.6 of parts 0.2 and 1: a fifth of the way to 1, so 1 % of 1 000.00."""
    both = [Item("a", HALF, State.MEASURED, D("0.2")), Item("b", HALF, State.MEASURED, D(1))]
    scored = incentive.score(both, HALF)
    assert scored.score is not None
    assert incentive.share_of_capitation(scored.score, TERMS) == Fraction(1, 100)
    found = incentive.worth(scored, TERMS, D("1000.00"))
    assert found == {"a": D("-15.00"), "b": D("25.00")}


def test_a_score_below_the_neutral_one_is_a_sanction() -> None:
    """Score 0.25 is half of the way to nought: 2 % of 1 000.00."""
    scored = incentive.score([Item("a", D(1), State.MEASURED, D("0.25"))], HALF)
    assert incentive.worth(scored, TERMS, D(1000)) == {"a": D("-20.00")}


def test_neutrality_shares_the_sum_by_capitation_to_the_cent() -> None:
    shared = incentive.neutral_adjustments(
        {"Y1": D("10.00"), "Y2": D("-3.33"), "Y3": D("0.00")},
        {"Y1": D(100), "Y2": D(100), "Y3": D(100)},
    )
    assert shared == {"Y1": D("-2.22"), "Y2": D("-2.22"), "Y3": D("-2.23")}
    assert sum(shared.values()) == D("-6.67")


def test_achievement_payment() -> None:
    """A of B less those excluded; (D - E) / (F - E) x G; 74 points at 201.16 are 14 885.84."""
    share = incentive.achievement_share(D(85), D(120), D(20))
    assert share == Fraction(85, 100)
    points = incentive.achievement_points(share, floor=D("0.48"), target=D("0.98"), points=D(100))
    assert points == 74
    assert incentive.achievement_payment(points, D("201.16")) == D("14885.84")


@pytest.mark.parametrize(("share", "points"), [("0.1", 0), ("0.4", 0), ("0.7", 5), ("1", 10)])
def test_points_lie_between_nought_and_all(share: str, points: int) -> None:
    found = incentive.achievement_points(
        Fraction(D(share)), floor=D("0.4"), target=D(1), points=D(10)
    )
    assert found == points


@pytest.mark.parametrize(("a", "b", "c"), [(11, 10, 0), (9, 10, 2), (1, 5, 5), (-1, 5, 0)])
def test_more_than_all_is_no_share(a: int, b: int, c: int) -> None:
    with pytest.raises(ValueError, match=r"numerator is above|nobody counts"):
        incentive.achievement_share(D(a), D(b), D(c))
