"""Bonuses and sanctions of providers from the worth of their indicators, by hand.

Here: sums, shadow and budget neutrality, and how they are told. Not here: the worth of an indicator
(`test_incentive_rule`, `tests/property/test_incentive`), asking the lake
(`tests/pipeline/test_own_indicator`).
"""

from __future__ import annotations

from decimal import Decimal

from dagster_project.incentive_commands import lines
from dagster_project.incentive_worth import Outcome, Worth, outcomes

D = Decimal


def worth(provider: str, eur: str, *, neutral: bool = True, shadow: bool = False) -> Worth:
    return Worth(
        provider_id=provider,
        scheme_id="S",
        indicator_id="x",
        is_early_warning=False,
        is_shadow=shadow,
        is_budget_neutral=neutral,
        state_code="measured",
        value=D(50),
        effective_weight=D("0.5"),
        counted_part=D("0.7"),
        score=D("0.6"),
        paid_eur=D("1000.00"),
        worth_eur=D(eur),
    )


def amounts(found: tuple[Outcome, ...]) -> dict[str, Decimal]:
    return {one.provider_id: one.amount_eur for one in found}


def test_a_providers_indicators_are_added_up() -> None:
    found = outcomes([worth("Y1", "10.01", neutral=False), worth("Y1", "-3.00", neutral=False)])
    assert amounts(found) == {"Y1": D("7.01")}


def test_a_neutral_scheme_takes_the_sum_from_all_that_are_paid() -> None:
    """10 and 5 are 15 too many, half of them from each; the shadow is paid nothing to share."""
    found = outcomes([worth("Y1", "10.00"), worth("Y2", "5.00"), worth("M1", "8.00", shadow=True)])
    assert amounts(found) == {"M1": D("8.00"), "Y1": D("2.50"), "Y2": D("-2.50")}


def test_a_scheme_that_is_not_neutral_takes_nothing_from_anyone() -> None:
    found = outcomes([worth("Y1", "10.00", neutral=False), worth("Y2", "5.00", neutral=False)])
    assert [one.neutrality_eur for one in found] == [0, 0]


def test_all_providers_are_told_or_one_with_its_indicators() -> None:
    found = [worth("Y1", "10.00", neutral=False), worth("Y2", "5.00", shadow=True)]
    unscored = [("S", "Y3", D("0.38"))]
    said = [" ".join(line.split()) for line in lines(found, unscored)]
    assert said == [
        "S Y1 score 0.6000 1000.00 EUR paid +10.00 EUR",
        "S Y2 score 0.6000 1000.00 EUR paid +5.00 EUR shadow",
        "S Y3 no score: of the weight 0.3800 is measured",
    ]
    one = [" ".join(line.split()) for line in lines(found, unscored, "Y1")]
    assert one == [said[0], "x measured 50.00 weight 0.5000 reached 0.7000 +10.00 EUR"]
    assert list(lines(found, unscored, "Y9")) == []
