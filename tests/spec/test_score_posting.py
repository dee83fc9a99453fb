"""Bonuses and sanctions of periods in the ledger: posted once a period is closed, then corrected.

Here: when, how much, why again, and for whom; by hand. Not here: the score itself
(`test_incentive_rule`, `tests/property/test_incentive`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from dagster_project.settlement import runs
from tests.support.settling import MAY, Desk, Tariff, desk

JUNE, JULY, AUGUST = date(2017, 6, 1), date(2017, 7, 1), date(2017, 8, 1)
D = Decimal
Posted = tuple[date, date, str, bool, str, Decimal]


@pytest.fixture
def on() -> Desk:
    """A euro a day and a tenth beside; May and June are a period; P1 has one person, P2 two."""
    made = desk(Tariff(incentive="0.1", others={"is_shadow_for_public": "true"}))
    made.delivered(JUNE, JULY, AUGUST)
    made.put("core.indicator_period", (MAY, date(2017, 6, 30)), (JULY, date(2017, 9, 30)))
    made.choice(made.person(1))
    for person in (2, 3):
        made.choice(made.person(person), provider_id="P2", site_id="S2")
    return made


def score(
    on: Desk,
    provider: str,
    *parts: str,
    early: bool = False,
    neutral: bool = False,
    start: date = MAY,
) -> None:
    """Indicators of one weight each; at most a tenth is added and a twentieth taken."""
    weight = 1 / D(len(parts))
    for part in parts:
        on.put(
            "mart.incentive_contribution",
            (
                *(provider, "reception", start, early, weight, D(part), weight),
                *(D("0.5"), D("0.1"), D("0.05"), neutral),
            ),
        )


def posted(on: Desk) -> list[Posted]:
    return on.rows(
        "mart.capitation_adjustment",
        "settlement_month, corrected_month, provider_id, is_shadow, reason_code, amount_eur",
        "line_kind_code = 'score'",
    )


def settle(on: Desk, *months: date) -> None:
    for month in months:
        on.settle(month)


def test_a_period_is_posted_when_its_last_month_is_closed(on: Desk) -> None:
    """61 euros for the list of P1, halfway from neutral to the best: a twentieth. P2 at the floor.

    What is paid beside the list, a tenth, is no base of either.
    """
    score(on, "P1", "0.9", "0.6")
    score(on, "P2", "0", "0")
    settle(on, MAY, JUNE)
    assert posted(on) == []
    settle(on, JULY)
    assert posted(on) == [
        (JULY, MAY, "P1", False, "period_scored", D("3.05")),  # 61 × 0.1 × 0.25 / 0.5
        (JULY, MAY, "P2", False, "period_scored", D("-6.10")),  # 122 × 0.05
    ]
    assert on.paid(JULY) == {"P1": D("37.15"), "P2": D("62.10")}  # 34.10 and 68.20 with it


def test_a_posted_period_is_not_posted_again(on: Desk) -> None:
    score(on, "P1", "1")
    settle(on, MAY, JUNE, JULY)
    first = posted(on)
    settle(on, AUGUST)
    assert posted(on) == first
    assert len(first) == 1


def test_a_period_of_which_something_is_to_come_waits(on: Desk) -> None:
    score(on, "P1", "1", early=True)
    settle(on, MAY, JUNE, JULY)
    assert posted(on) == []
    on.replace("mart.incentive_contribution")
    score(on, "P1", "1")
    settle(on, AUGUST)
    assert posted(on) == [(AUGUST, MAY, "P1", False, "period_scored", D("6.10"))]


def test_a_score_that_becomes_another_is_put_right(on: Desk) -> None:
    """From the best to the floor: the bonus back, and the sanction."""
    score(on, "P1", "1")
    settle(on, MAY, JUNE, JULY)
    on.replace("mart.incentive_contribution")
    score(on, "P1", "0")
    settle(on, AUGUST)
    assert [(reason, eur) for *_, reason, eur in posted(on)] == [
        ("period_scored", D("6.10")),
        ("score_correction", D("-9.15")),  # -6.10 - 61 × 0.05
    ]


def test_a_score_that_is_no_longer_final_stands_until_there_is_a_new_one(on: Desk) -> None:
    """A withdrawn delivery opens the period again: nothing is paid back until it is final anew."""
    score(on, "P1", "1", neutral=True)
    score(on, "P2", "0", neutral=True)
    settle(on, MAY, JUNE, JULY)
    first = posted(on)
    on.replace("mart.incentive_contribution")
    score(on, "P1", "0.7", early=True, neutral=True)
    score(on, "P2", "0", neutral=True)
    settle(on, AUGUST)
    assert posted(on) == first
    assert [eur for *_, eur in first] == [D("6.10"), D("-6.10")]
    on.replace("mart.incentive_contribution")
    score(on, "P1", "0.5", neutral=True)
    score(on, "P2", "0.5", neutral=True)
    on.delivered(date(2017, 9, 1))
    settle(on, date(2017, 9, 1))
    assert sum(eur for *_, eur in posted(on)) == 0
    assert {provider: eur for *_, provider, _, _, eur in posted(on)[2:]} == {
        "P1": D("-6.10"),
        "P2": D("6.10"),
    }


def test_a_score_for_which_too_little_is_now_measured_stands(on: Desk) -> None:
    score(on, "P1", "0")
    settle(on, MAY, JUNE, JULY)
    first = posted(on)
    on.lake.execute("update lake.mart.incentive_contribution set effective_weight = null")
    settle(on, AUGUST)
    assert posted(on) == first
    assert [eur for *_, eur in first] == [D("-3.05")]


def test_who_is_in_no_scheme_any_more_keeps_nothing(on: Desk) -> None:
    score(on, "P1", "1")
    settle(on, MAY, JUNE, JULY)
    on.replace("mart.incentive_contribution")
    settle(on, AUGUST)
    assert sum(eur for *_, eur in posted(on)) == 0


def test_a_bonus_follows_what_is_corrected_of_its_months(on: Desk) -> None:
    """Ten days of June are known in August: a tenth of ten euros more."""
    score(on, "P1", "1")
    settle(on, MAY, JUNE, JULY)
    on.choice(
        on.person(4), date(2017, 6, 21), date(2017, 7, 1), enrolment_id="L4", known_from_seq=201708
    )
    on.put("staging.enrolments", (4, 201708, "L4", None, 1, "S1", "P1"))
    settle(on, AUGUST)
    assert posted(on)[-1] == (AUGUST, MAY, "P1", False, "score_correction", D("1.00"))


def test_a_neutral_scheme_posts_a_sum_of_nought_to_those_who_are_paid(on: Desk) -> None:
    """The 6.10 of P1 are taken from both by what they were paid, 61 and 122; shadows share none."""
    score(on, "P1", "1", neutral=True)
    score(on, "P2", "0.5", neutral=True)
    on.choice(on.person(5), provider_id="M1", site_id="S9")
    score(on, "M1", "1", neutral=True)
    settle(on, MAY, JUNE, JULY)
    found = {provider: (shadow, eur) for _, _, provider, shadow, _, eur in posted(on)}
    assert found == {
        "M1": (True, D("6.10")),
        "P1": (False, D("4.07")),
        "P2": (False, D("-4.07")),
    }


def test_runs_with_scores_are_recomputed_and_told(on: Desk) -> None:
    score(on, "P1", "1")
    settle(on, MAY, JUNE, JULY)
    on.replace("mart.incentive_contribution")
    score(on, "P1", "0.2")
    settle(on, AUGUST)
    on.replace("mart.incentive_contribution")
    numbers = [number for (number,) in on.rows("mart.capitation_run", "capitation_run_id")]
    assert all(runs.recompute(on.lake, number).is_equal for number in numbers)
    said = on.rows("mart.capitation_explanation", "text_en", "step_code = 'adjustment_score'")
    of = "Bonus or sanction by the indicators of the period from 2017-05"
    assert [text for (text,) in said] == [
        f"{of}, correction of the score: -€7.93.",
        f"{of}, period scored: €6.10.",
    ]


def test_who_has_no_list_in_the_period_is_posted_nothing(on: Desk) -> None:
    score(on, "P3", "1")
    settle(on, MAY, JUNE, JULY)
    assert posted(on) == []
