"""Payments by achievement: SQL against the rule in plain Python.

Here: random counts and terms, and the golden case through SQL. Not here: the rule's own cases
(`tests/spec/test_incentive_rule.py`).
"""

from __future__ import annotations

from decimal import Decimal
from typing import Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from dagster_project.rules import incentive
from dagster_project.rules.incentive import STEP
from dagster_project.rules.rounding import half_up_of_fraction
from tests.support.incentives import PERIODS, VERSION
from tests.support.models import Bench, bench

D = Decimal
SHARE = st.integers(0, 100_000_000).map(lambda n: D(n) * STEP)


@pytest.fixture(scope="module")
def paid() -> Bench:
    return bench(
        "mart.achievement_payment",
        {
            "rulebook.achievement_payment": (
                "valid_from_date date, indicator_id varchar, floor_share decimal(18,8),"
                " target_share decimal(18,8), point_count decimal(18,4), point_eur decimal(18,2)"
            ),
            "mart.indicator_value": (
                "provider_id varchar, service_code varchar, indicator_id varchar,"
                " period_start_date date, is_to_date boolean, numerator decimal(18,4),"
                " denominator decimal(18,4), state_code varchar"
            ),
        },
    )


def run(paid: Bench, terms: tuple[Any, ...], *values: tuple[Any, ...]) -> list[dict[str, Any]]:
    """Rows of one indicator's terms over values of (numerator, denominator, state, to date)."""
    return paid.run(
        {
            "rulebook.achievement_payment": [(VERSION, "x", *terms)],
            "mart.indicator_value": [
                ("Y1", "reception", "x", period[0], to_date, numerator, denominator, state)
                for period, (numerator, denominator, state, to_date) in zip(
                    PERIODS, values, strict=False
                )
            ],
        }
    )


def test_the_golden_case_and_who_earns_nothing(paid: Bench) -> None:
    """85 of 120 less 20 excluded: 74 points at 201.16 are 14 885.84."""
    terms = (D("0.48"), D("0.98"), D(100), D("201.16"))
    (row,) = run(
        paid,
        terms,
        (D(85), D(100), "measured", False),
        (D(85), D(100), "too_small", False),
        (D(85), D(100), "measured", True),
    )
    assert (row["period_start_date"], row["earned_point_count"]) == (PERIODS[0][0], 74)
    assert row["achievement_eur"] == D("14885.84")


@given(
    part=st.integers(0, 10_000_000),
    whole=st.integers(1, 10_000_000),
    floor=SHARE,
    target=SHARE,
    points=st.integers(1, 10_000_000).map(lambda n: D(n) / 10_000),
    eur=st.integers(0, 10_000_000).map(lambda n: D(n) / 100),
)
def test_sql_pays_what_the_rule_pays(
    paid: Bench,
    part: int,
    whole: int,
    floor: Decimal,
    target: Decimal,
    points: Decimal,
    eur: Decimal,
) -> None:
    assume(floor != target and part <= whole)
    (row,) = run(paid, (floor, target, points, eur), (D(part), D(whole), "measured", False))
    share = incentive.achievement_share(D(part), D(whole), D(0))
    earned = incentive.achievement_points(share, floor=floor, target=target, points=points)
    assert row["earned_point_count"] == half_up_of_fraction(earned, STEP)
    assert row["achievement_eur"] == incentive.achievement_payment(earned, eur)
