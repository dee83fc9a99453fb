"""Scores of PROMIS Global-10, WHOQOL-BREF and WHODAS 2.0, by their published tables.

Here: the rule in plain Python. Not here: answers in the lake (`test_feedback_models`).
"""

from __future__ import annotations

from decimal import Decimal

import pytest

from dagster_project.rules.patient_reported import (
    PROMIS_ITEMS,
    WHOQOL_ITEMS,
    promis,
    whodas,
    whoqol,
)

D = Decimal
# Answers as ticked that give each item of a raw sum its 1, 3 or 5 points.
TICKED = {
    1: {"Global07": 10, "turned": 5},
    3: {"Global07": 5, "turned": 3},
    5: {"Global07": 0, "turned": 1},
}


def ticked(scale: str, points: int) -> dict[str, int | None]:
    return {
        item: TICKED[points]["Global07"]
        if item == "Global07"
        else TICKED[points]["turned"]
        if item in ("Global08", "Global10")
        else points
        for item in PROMIS_ITEMS[scale]
    }


@pytest.mark.parametrize(
    ("points", "physical", "mental"),
    [(1, "16.2", "21.2"), (3, "39.8", "43.5"), (5, "67.7", "67.6")],
)
def test_promis_has_the_t_scores_of_its_table(points: int, physical: str, mental: str) -> None:
    """Raw sums of 4, 12 and 20."""
    assert promis("physical", ticked("physical", points)) == D(physical)
    assert promis("mental", ticked("mental", points)) == D(mental)


@pytest.mark.parametrize(
    ("pain", "t"), [(0, "42.3"), (1, "39.8"), (3, "39.8"), (4, "37.4"), (6, "37.4"), (7, "34.9"),
                    (9, "34.9"), (10, "32.4")]
)  # fmt: skip
def test_pain_is_turned_in_classes(pain: int, t: str) -> None:
    """Beside it raw 8: pain gives 5, 4, 3, 2 or 1."""
    answers = {"Global03": 3, "Global06": 3, "Global08": 4, "Global07": pain}
    assert promis("physical", answers) == D(t)


@pytest.mark.parametrize("scale", ["physical", "mental"])
def test_one_item_of_promis_missing_is_no_score(scale: str) -> None:
    for item in PROMIS_ITEMS[scale]:
        assert promis(scale, ticked(scale, 3) | {item: None}) is None


def whoqol_answers(points: int) -> dict[int, int | None]:
    return {n: 6 - points if n in (3, 4, 26) else points for n in range(1, 27)}


@pytest.mark.parametrize("domain", WHOQOL_ITEMS)
def test_whoqol_goes_from_0_to_100(domain: str) -> None:
    assert whoqol(domain, whoqol_answers(1)) == 0
    assert whoqol(domain, whoqol_answers(3)) == 50
    assert whoqol(domain, whoqol_answers(5)) == 100


def test_whoqol_takes_the_mean_of_those_answered() -> None:
    """Physical 5, 5, 5, 5 and 3: mean 4.6, (4 x 4.6 - 4) x 6.25 = 90."""
    answers = whoqol_answers(5) | {15: None, 16: None, 17: 3}
    assert whoqol("physical", answers) == 90
    assert whoqol("physical", answers | {18: None}) is None


def test_whoqol_social_may_miss_one() -> None:
    answers = whoqol_answers(5) | {20: None}
    assert whoqol("social", answers) == 100
    assert whoqol("social", answers | {21: None}) is None


def test_a_form_of_whoqol_with_a_fifth_missing_is_no_form() -> None:
    five = dict.fromkeys((8, 9, 12, 5, 20), None)
    assert whoqol("physical", whoqol_answers(5) | five) == 100
    assert whoqol("physical", whoqol_answers(5) | five | {6: None}) is None


def test_whodas_of_22_points_of_48() -> None:
    answers: dict[int, int | None] = dict.fromkeys(range(1, 13), 2)
    assert whodas(answers | {1: 1, 2: 1}) == D("45.8")
    assert whodas(dict.fromkeys(range(1, 13), 4)) == 100
    assert whodas(dict.fromkeys(range(1, 13), 0)) == 0


def test_whodas_may_miss_one() -> None:
    answers: dict[int, int | None] = dict.fromkeys(range(1, 12), 2)
    assert whodas(answers) == 50
    assert whodas(answers | {11: None}) is None


def test_an_answer_that_no_item_offers_is_refused() -> None:
    with pytest.raises(ValueError, match="between 0 and 10"):
        promis("physical", ticked("physical", 3) | {"Global07": 11})
    with pytest.raises(ValueError, match="between 1 and 5"):
        whoqol("social", whoqol_answers(5) | {20: 0})
    with pytest.raises(ValueError, match="between 0 and 4"):
        whodas(dict.fromkeys(range(1, 13), 5))
