"""Use of budgets against plan, forecasts, organiser's totals and the equity report, by hand.

Here: decisions, lines and people in, figures out. Not here: the ledger itself
(`test_budget_ledger`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dagster_project.rules.budget_forecast import forecast, planned
from tests.support.budgets import NEW_YEAR, D, decision, delivered, followup_chain, line
from tests.support.model_chain import Chain

PROFILE = hypothesis_settings.get_profile(hypothesis_settings.get_current_profile_name())
FEW = hypothesis_settings(PROFILE, max_examples=max(2, PROFILE.max_examples // 2))
APRIL_END = date(2017, 4, 30)
NOTHING: Mapping[str, Any] = {}
PERSON = (7, "2", date(1935, 1, 1), None, "fi")
HOME = (7, "106", date(2010, 1, 1), None, None)
GRANTED = D("3650.00")


@pytest.fixture(scope="module")
def followup() -> Chain:
    return followup_chain()


def followed(
    followup: Chain, *used: str, until: date = APRIL_END, tables: Mapping[str, Any] = NOTHING
) -> Any:
    """Planned, used, forecast with its interval, and outlook, of one budget of 3 650 euros."""
    lines = [
        line(number, "payment", euros, date(2017, number, 20))
        for number, euros in enumerate(used, start=1)
        if D(euros)
    ]
    given = {
        "core.budget_decision": [decision(5, str(GRANTED))],
        "core.voucher_transaction": lines,
        "effective.delivery": delivered(until),
        "core.person": [PERSON],
        "core.residence": [HOME],
        "core.municipality": [("106", True), ("091", False)],
        "core.person_month": [(7, date(2017, m, 1), "106") for m in range(1, 5)],
    }
    followup.run({**given, **tables})
    rows = followup.rows(
        "select planned_eur, used_eur, forecast_eur, forecast_low_eur, forecast_high_eur,"
        " outlook_code from mart.personal_budget_followup"
    )
    return rows[0] if rows else None


def test_even_use_is_carried_on_without_an_interval(followup: Chain) -> None:
    """10 euros a day granted: 1 200 by 30 April; 1 080 used, 9 a day: 3 285 at the end."""
    assert followed(followup, "270", "270", "270", "270") == (
        D("1200.00"),
        D("1080.00"),
        D("3285.00"),
        D("3285.00"),
        D("3285.00"),
        "on_plan",
    )


def test_uneven_use_has_an_interval_that_does_not_begin_below_what_is_used(
    followup: Chain,
) -> None:
    """0, 0, 0, 400: deviation 200, 8.0493 months left: 1.2816 x 984.83 to each side."""
    row = followed(followup, "0", "0", "0", "400")
    assert row[1:4] == (D("400.00"), D("1216.67"), D("400.00"))
    assert row[4] == D("2478.82")


@pytest.mark.parametrize(
    ("used", "outlook"),
    [
        (("500", "500", "500", "500"), "runs_out"),  # 6 083 for certain
        (("100", "600", "100", "600"), "may_run_out"),  # 4 258, and as well 2 600
        (("50", "50", "50", "50"), "not_using"),
        (("0", "0", "0", "0"), "not_using"),
        (("280", "300", "300", "310"), "on_plan"),
    ],
)
def test_the_outlook(followup: Chain, used: tuple[str, ...], outlook: str) -> None:
    assert followed(followup, *used)[5] == outlook


def test_two_months_are_too_few_to_tell(followup: Chain) -> None:
    row = followed(followup, "270", "270", until=date(2017, 2, 28))
    assert row[2:] == (None, None, None, "too_early")


@pytest.mark.parametrize(
    "gone",
    [
        {"core.person": [(*PERSON[:3], date(2017, 3, 31), "fi")]},
        {"core.residence": [(*HOME[:3], date(2017, 4, 1), None)]},
    ],
)
def test_nothing_is_planned_or_expected_of_a_client_who_is_gone(
    followup: Chain, gone: dict[str, Any]
) -> None:
    """90 days of 10 euros, whatever the decision still says."""
    row = followed(followup, "270", "270", "270", "0", tables=gone)
    assert row == (D("900.00"), *[D("810.00")] * 4, "client_gone")


def test_a_budget_that_is_over_or_not_begun_is_not_followed(followup: Chain) -> None:
    ended = decision(5, "100", valid_to_date=APRIL_END)
    coming = decision(6, "100", valid_from_date=date(2017, 5, 1))
    assert followed(followup, tables={"core.budget_decision": [ended, coming]}) is None


@FEW
@given(
    used=st.lists(st.integers(0, 90_000).map(lambda n: D(n) / 100), min_size=4, max_size=4),
    end=st.dates(date(2017, 5, 1), NEW_YEAR),
)
def test_sql_forecasts_as_the_rule_does(followup: Chain, used: list[Any], end: date) -> None:
    kept = decision(5, str(GRANTED), valid_to_date=end)
    row = followed(followup, *map(str, used), tables={"core.budget_decision": [kept]})
    whole, elapsed = (end - date(2017, 1, 1)).days, 120
    due = forecast(used, elapsed, whole - elapsed, D("1.2816"))
    assert row[:5] == (
        planned(GRANTED, elapsed, whole),
        sum(used),
        due.forecast_eur,
        due.low_eur,
        due.high_eur,
    )


def test_totals_count_everybody_also_who_has_no_municipality(followup: Chain) -> None:
    others = [decision(n, euros, person_id=n) for n, euros in ((8, "400"), (9, "50"))]
    followed(
        followup,
        "100",
        tables={
            "core.budget_decision": [decision(5, "600"), *others],
            "core.person_month": [(7, date(2017, 4, 1), "106"), (9, date(2017, 4, 1), "106")],
        },
    )
    assert followup.rows(
        "select municipality_code, client_count, granted_eur, paid_eur, remaining_eur"
        " from mart.personal_budget_total where budget_month = date '2017-04-01' order by all"
    ) == [
        ("106", 2, D(650), D(100), D(550)),
        (None, 1, D(400), D(0), D(400)),
    ]


# The equity report: like need, like budget.


def report(followup: Chain, granted: dict[int, str], classes: str = "2") -> list[Any]:
    """Rows by sex, of men 1 to 9 and women from 11 on, each with a year's budget for cleaning."""
    decisions = [
        decision(n, euros, person_id=n, hb_class_code=classes[n % len(classes)])
        for n, euros in granted.items()
    ]
    people = [(n, "1" if n < 10 else "2", date(1935, 1, 1), None, "fi") for n in granted]
    followed(followup, tables={"core.budget_decision": decisions, "core.person": people})
    return followup.rows(
        "select trait_value, client_count, granted_month_eur, explained_month_eur,"
        " unexplained_month_eur, equity_state_code from mart.personal_budget_equity"
        " where trait_code = 'sex' order by all"
    )


def test_a_difference_that_need_leaves_is_flagged(followup: Chain) -> None:
    """Men get 120 a month and women 100 for the same class: 110 is what the class gives."""
    granted = dict.fromkeys(range(1, 6), "1440") | dict.fromkeys(range(11, 16), "1200")
    assert report(followup, granted) == [
        ("1", 5, D(120), D(0), D(10), "flagged"),
        ("2", 5, D(100), D(0), D(-10), "flagged"),
    ]


def test_a_difference_that_need_explains_is_not(followup: Chain) -> None:
    """Odd numbers are of class 4 with 200 a month, even ones of class 2 with 100."""
    odd, even = (1, 3, 5, 7, 9), (12, 14, 16, 18, 20)
    granted = dict.fromkeys(odd, "2400") | dict.fromkeys(even, "1200")
    assert report(followup, granted, classes="24") == [
        ("1", 5, D(200), D(50), D(0), "explained_by_need"),
        ("2", 5, D(100), D(-50), D(0), "explained_by_need"),
    ]


def test_of_few_clients_nothing_is_said(followup: Chain) -> None:
    granted = dict.fromkeys(range(1, 5), "1440") | dict.fromkeys(range(11, 16), "1200")
    assert [row[-1] for row in report(followup, granted)] == ["too_few", "flagged"]
