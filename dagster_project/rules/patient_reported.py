"""Scores of what patients report: PROMIS Global-10, WHOQOL-BREF, WHODAS 2.0 of 12 items.

Answers are as ticked; an item that an instrument turns round is turned here.

Here: scores from items, and what becomes of items passed over. Not here: where answers come from
(`sql/core/survey_response.sql`).
"""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from fractions import Fraction

from dagster_project.rules.rounding import half_up_of_fraction

Answers = Mapping[str, int | None]
"""By item; an item passed over is None or absent."""

TENTH = Decimal("0.1")

PROMIS_ITEMS = {
    "physical": ("Global03", "Global06", "Global07", "Global08"),
    "mental": ("Global02", "Global04", "Global05", "Global10"),
}
_PROMIS_TURNED = frozenset({"Global08", "Global10"})
_PROMIS_T = {
    "physical": (
        "16.2 19.9 23.5 26.7 29.6 32.4 34.9 37.4 39.8 42.3 44.9 47.7 50.8 54.1 57.7 61.9 67.7"
    ),
    "mental": (
        "21.2 25.1 28.4 31.3 33.8 36.3 38.8 41.1 43.5 45.8 48.3 50.8 53.3 56.0 59.0 62.5 67.6"
    ),
}
"""T-scores of raw sums from 4 to 20: PROMIS Global Health scoring manual (HealthMeasures)."""

WHOQOL_ITEMS = {
    "physical": (3, 4, 10, 15, 16, 17, 18),
    "psychological": (5, 6, 7, 11, 19, 26),
    "social": (20, 21, 22),
    "environment": (8, 9, 12, 13, 14, 23, 24, 25),
}
_WHOQOL_TURNED = frozenset({3, 4, 26})
_WHOQOL_COUNT = 26


def promis(scale: str, answers: Answers) -> Decimal | None:
    """T-score of a scale of PROMIS Global-10; all four of its items are required.

    Raises:
        ValueError: an answer is none that the item offers.
    """
    sums = [_promis_item(item, answers.get(item)) for item in PROMIS_ITEMS[scale]]
    if None in sums:
        return None
    raw = sum(value for value in sums if value is not None)
    return Decimal(_PROMIS_T[scale].split()[raw - 4])


def _promis_item(item: str, answer: int | None) -> int | None:
    if answer is None:
        return None
    if item == "Global07":
        _within(item, answer, 0, 10)
        # Pain: none 5, 1-3 4, 4-6 3, 7-9 2, worst imaginable 1.
        return 5 - (answer + 2) // 3
    _within(item, answer, 1, 5)
    return 6 - answer if item in _PROMIS_TURNED else answer


def whoqol(domain: str, answers: Mapping[int, int | None]) -> Decimal | None:
    """A domain of WHOQOL-BREF from 0 to 100, to a tenth.

    None where more than a fifth of all 26 items are passed over, more than two of the domain, or of
    the social one more than one; else the mean of those answered stands for the others (WHO 1996).

    Raises:
        ValueError: an answer is none that the item offers.
    """
    given = {n: a for n, a in answers.items() if a is not None}
    if (_WHOQOL_COUNT - len(given)) * 5 > _WHOQOL_COUNT:
        return None
    items = [_whoqol_item(n, given[n]) for n in WHOQOL_ITEMS[domain] if n in given]
    if len(WHOQOL_ITEMS[domain]) - len(items) > (1 if domain == "social" else 2):
        return None
    return half_up_of_fraction((Fraction(sum(items), len(items)) - 1) * 25, TENTH)


def _whoqol_item(number: int, answer: int) -> int:
    _within(f"item {number}", answer, 1, 5)
    return 6 - answer if number in _WHOQOL_TURNED else answer


def whodas(answers: Mapping[int, int | None]) -> Decimal | None:
    """WHODAS 2.0 of 12 items from 0 (no difficulty) to 100, to a tenth: simple scoring.

    Items are coded 0 (none) to 4 (extreme or cannot do). One item passed over takes the mean of the
    other eleven, two are too many (WHO manual 2010).

    Raises:
        ValueError: an answer is none that the item offers.
    """
    given = [a for n in range(1, 13) if (a := answers.get(n)) is not None]
    for answer in given:
        _within("item", answer, 0, 4)
    if len(given) < 11:
        return None
    return half_up_of_fraction(Fraction(sum(given), 4 * len(given)) * 100, TENTH)


def _within(item: str, answer: int, lowest: int, highest: int) -> None:
    if not lowest <= answer <= highest:
        raise ValueError(f"{item}: an answer lies between {lowest} and {highest}; correct it")
