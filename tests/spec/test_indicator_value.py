"""States, values and intervals of indicators, by hand.

Here: `mart.indicator_value` over tables written by hand. Not here: what an indicator counts
(`test_indicators`), scoring (`tests/property/test_incentive`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.rules import incentive
from tests.support.incentives import PERIODS, VALUE_TABLES, VERSION
from tests.support.models import Bench, bench

D = Decimal
FIRST, SECOND = PERIODS[0], PERIODS[1]
MONTHS = [date(2017, m, 28) for m in range(5, 13)]


@pytest.fixture(scope="module")
def model() -> Bench:
    return bench("mart.indicator_value", VALUE_TABLES)


def indicator(**others: Any) -> tuple[Any, ...]:
    row: dict[str, Any] = {
        "valid_from_date": VERSION,
        "indicator_id": "x",
        "unit_code": "pct",
        "multiplier": 100,
        "interval_code": "wilson",
        "reporter_code": "lake",
        "declared_as_code": "x",
        "due_days": 20,
        "minimum_denominator": 30,
    }
    assert others.keys() <= row.keys()
    return tuple((row | others).values())


def value(
    model: Bench,
    *,
    counted: tuple[Any, Any] | None = (40, 100),
    declared: str | None = None,
    reached: date = date(2018, 1, 31),
    delivered: list[date] | None = None,
    months: tuple[int, ...] = (9, 12),
    scale: tuple[Any, ...] = (50, 75, 100),
    unfit: tuple[date, date] | None = None,
    counted_by: str | None = None,
    **others: Any,
) -> dict[str, Any]:
    """The row of October to December."""
    delivered = MONTHS if delivered is None else delivered
    by = counted_by or others.get("reporter_code", "lake")
    rows = model.run(
        {
            "effective.delivery": [
                ("apotti", "events", d) for d in delivered
            ] + [("apotti", "others", reached)],
            "core.reached": [(max([reached, *delivered]),)],
            "core.site": [("Y1", "reception", VERSION, None), ("Y1", "dental", VERSION, None)],
            "core.indicator_period": [FIRST, SECOND],
            "core.scorecard_indicator": [("Y1", "x", SECOND[1], declared)] if declared else [],
            "rulebook.indicator_service": [("x", "reception")],
            "rulebook.indicator_delivery": [("x", "apotti", "events")],
            "rulebook.indicator_month": [("x", m) for m in months],
            "rulebook.indicator_scale": [(VERSION, "x", *scale)],
            "rulebook.indicator": [indicator(**others)],
            "rulebook.unfit_figure": [("x", "Y1", *unfit)] if unfit else [],
            "indicator.counted": [
                ("x", "Y1", "reception", SECOND[0], *counted, by)
            ] if counted else [],
        }
    )  # fmt: skip
    (found,) = (row for row in rows if row["period_start_date"] == SECOND[0])
    return found


def test_a_share_is_measured_with_its_interval(model: Bench) -> None:
    """40 of 100; Wilson's interval of 95 % is 30.9 to 49.8."""
    found = value(model)
    assert (found["state_code"], found["value"], found["is_to_date"]) == ("measured", 40, False)
    assert (found["numerator"], found["denominator"]) == (40, 100)
    assert (round(found["lower_value"], 1), round(found["upper_value"], 1)) == (
        D("30.9"),
        D("49.8"),
    )


STATES: dict[str, tuple[dict[str, Any], str, bool]] = {
    "not in the calendar": ({"months": (9,)}, "not_scheduled", False),
    "not in the calendar, and a month has not come": (
        {"months": (9,), "delivered": MONTHS[:-1]}, "not_scheduled", False,
    ),
    "not in the calendar, and the period goes on": (
        {"months": (9,), "delivered": MONTHS[:-1], "reached": date(2017, 11, 30)},
        "not_scheduled",
        False,
    ),
    "not in the calendar, and not due from the provider": (
        {"reporter_code": "provider", "counted": None, "months": (9,),
         "reached": date(2018, 1, 19)},
        "not_scheduled",
        False,
    ),
    "before it begins": ({"valid_from_date": date(2018, 1, 1)}, "not_scheduled", False),
    "too few": ({"counted": (20, 29)}, "too_small", False),
    "nothing counted": ({"counted": None}, "too_small", False),
    "found unfit by who counts": (
        {"unfit": (date(2017, 12, 31), date(2018, 2, 1))}, "unreliable", False,
    ),
    "found unfit in another period": (
        {"unfit": (date(2018, 1, 1), date(2018, 2, 1))}, "measured", False,
    ),
    "counted by the lake, and called unfit by the provider": (
        {"declared": "unreliable"}, "measured", False,
    ),
    "called unfit by the provider whose figure it is": (
        {"reporter_code": "provider", "counted": None, "declared": "unreliable"},
        "unreliable",
        False,
    ),
    "called unfit, and stated on another sheet": (
        {"reporter_code": "provider", "declared": "unreliable"}, "unreliable", False,
    ),
    "called nothing at all, and stated on another sheet": (
        {"reporter_code": "provider", "declared": "no_cases"}, "measured", False,
    ),
    "a month has not come, and it is due": ({"delivered": MONTHS[:-1]}, "overdue", False),
    "a month in between has not come": (
        {"delivered": [*MONTHS[:6], MONTHS[7]]}, "overdue", False,
    ),
    "the last day before it is due": (
        {"delivered": MONTHS[:-1], "reached": date(2018, 1, 19)}, "measured", True,
    ),
    "the day on which it is due": (
        {"delivered": MONTHS[:-1], "reached": date(2018, 1, 20)}, "overdue", False,
    ),
    "a month has not come yet": (
        {"delivered": MONTHS[:-1], "reached": date(2017, 12, 31)},
        "measured",
        True,
    ),
    "the period goes on": (
        {"delivered": MONTHS[:-1], "reached": date(2017, 11, 30)},
        "measured",
        True,
    ),
    "reported": ({"reporter_code": "provider", "declared": "measured"}, "measured", False),
    "reported too few": ({"reporter_code": "provider", "counted": (2, 3)}, "too_small", False),
    "reported that there was nothing": (
        {"reporter_code": "provider", "counted": None, "declared": "no_cases"},
        "too_small",
        False,
    ),
    "left out": ({"reporter_code": "provider", "counted": None}, "overdue", False),
    "called not scheduled by the provider alone": (
        {"reporter_code": "provider", "counted": None, "declared": "not_scheduled"},
        "overdue",
        False,
    ),
    "not due yet": (
        {"reporter_code": "provider", "counted": None, "reached": date(2018, 1, 19)},
        "not_scheduled",
        True,
    ),
    "reported more than all": (
        {"reporter_code": "provider", "counted": (101, 100)}, "overdue", False,
    ),
    "reported beyond what can be": (
        {"reporter_code": "provider", "counted": (560, 100), "unit_code": "mean", "multiplier": 1,
         "interval_code": "none", "scale": (3, 4, 5)},
        "overdue",
        False,
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", STATES)
def test_a_state_says_what_is_known(model: Bench, case: str) -> None:
    others, state, is_to_date = STATES[case]
    found = value(model, **others)
    assert (found["state_code"], found["is_to_date"]) == (state, is_to_date)
    assert (found["value"] is None) == (state != "measured")
    assert (found["lower_value"] is None) == (state != "measured")
    assert found["numerator"] is None or state not in ("not_scheduled", "too_small")


@pytest.mark.parametrize(
    ("counted", "by", "declared", "state", "reporter"),
    [
        ((40, 100), "lake", "unreliable", "measured", "lake"),
        ((40, 100), "provider", "measured", "measured", "provider"),
        (None, None, "unreliable", "unreliable", "provider"),
        (None, None, None, "overdue", "provider"),
    ],
)
def test_a_provider_reports_what_the_lake_does_not_count(
    model: Bench, counted: Any, by: str | None, declared: str | None, state: str, reporter: str
) -> None:
    found = value(
        model,
        counted=counted,
        counted_by=by,
        declared=declared,
        reporter_code="lake_or_provider",
    )
    assert (found["state_code"], found["reporter_code"]) == (state, reporter)


def test_a_rate_has_byars_interval(model: Bench) -> None:
    """10 events in 100 person-years are 100 a thousand: exactly 48.0 to 183.9, by Byar 47.9."""
    found = value(
        model, counted=(10, 100), unit_code="per_1000", multiplier=1000, interval_code="byar",
        scale=(500, 250, 0),
    )  # fmt: skip
    assert found["value"] == 100
    assert (round(found["lower_value"], 1), round(found["upper_value"], 1)) == (
        D("47.9"),
        D("183.9"),
    )


def test_no_event_at_all_has_an_interval_from_nought(model: Bench) -> None:
    found = value(
        model, counted=(0, 100), unit_code="per_1000", multiplier=1000, interval_code="byar",
        scale=(500, 250, 0),
    )  # fmt: skip
    assert (found["value"], found["lower_value"]) == (0, 0)
    assert found["upper_value"] > 30


def test_every_provider_with_a_site_has_a_row_in_every_period(model: Bench) -> None:
    rows = model.run(
        {
            "effective.delivery": [("apotti", "events", date(2018, 1, 31))],
            "core.reached": [(date(2018, 1, 31),)],
            "core.site": [
                ("Y1", "reception", VERSION, None),
                ("Y2", "reception", VERSION, date(2017, 10, 1)),
                ("Y3", "reception", date(2017, 12, 31), None),
                ("Y4", "dental", VERSION, None),
            ],
            "core.indicator_period": [FIRST, SECOND],
            "rulebook.indicator_service": [("x", "reception")],
            "rulebook.indicator": [indicator()],
        }
    )
    found = sorted((r["provider_id"], r["period_start_date"]) for r in rows)
    assert found == [("Y1", FIRST[0]), ("Y1", SECOND[0]), ("Y2", FIRST[0]), ("Y3", SECOND[0])]


def test_a_provider_of_two_services_has_a_figure_of_each(model: Bench) -> None:
    """Waits of doctors and of dentists are not each other's; a state is of one service too."""
    both = [("Y1", service, VERSION, None) for service in ("reception", "dental")]
    rows = model.run(
        {
            "effective.delivery": [("apotti", "events", date(2018, 1, 31))],
            "core.reached": [(date(2018, 1, 31),)],
            "core.site": [*both, ("Y2", "reception", VERSION, None)],
            "core.indicator_period": [SECOND],
            "rulebook.indicator_service": [("x", "reception"), ("x", "dental")],
            "rulebook.indicator_month": [("x", 12)],
            "rulebook.indicator": [indicator()],
            "indicator.counted": [
                ("x", "Y1", "reception", SECOND[0], 40, 100, "lake"),
                ("x", "Y1", "dental", SECOND[0], 2, 20, "lake"),
                ("x", "Y2", "reception", SECOND[0], 90, 100, "lake"),
                ("x", "Y2", "dental", SECOND[0], 1, 100, "lake"),  # of a service it has no site of
            ],
        }
    )
    told = ("provider_id", "service_code", "value", "state_code")
    assert sorted(tuple(row[name] for name in told) for row in rows) == [
        ("Y1", "dental", None, "too_small"),
        ("Y1", "reception", 40, "measured"),
        ("Y2", "reception", 90, "measured"),
    ]
    reception = next(r for r in rows if (r["provider_id"], r["value"]) == ("Y1", 40))
    assert round(reception["lower_value"], 1) == D("30.9")


@given(
    numerator=st.integers(-(10**9), 10**9),
    denominator=st.integers(1, 10**9),
    unit=st.sampled_from([("points", 100), ("mean", 1), ("index", 1)]),
)
def test_sql_divides_as_the_rule_does(
    model: Bench, numerator: int, denominator: int, unit: tuple[str, int]
) -> None:
    """Halves away from nought, at four decimals."""
    parts = (D(numerator) / 10_000, D(denominator) / 10_000)
    found = value(
        model, counted=parts, unit_code=unit[0], multiplier=unit[1], interval_code="none",
        minimum_denominator=D("0.0001"), scale=(0, 1, 10**13),
    )  # fmt: skip
    assert found["value"] == incentive.quotient(*parts, unit[1])


@given(denominator=st.integers(30, 10**6), part=st.fractions(0, 1))
def test_sql_has_the_intervals_of_the_rule(model: Bench, denominator: int, part: Any) -> None:
    numerator = int(part * denominator)
    shared = value(model, counted=(numerator, denominator))
    rated = value(
        model, counted=(numerator, denominator), unit_code="per_1000", multiplier=1000,
        interval_code="byar", scale=(5000, 250, 0),
    )  # fmt: skip
    for found, rule, times in ((shared, incentive.wilson, 100), (rated, incentive.byar, 1000)):
        lower, upper = rule(numerator, denominator)
        assert abs(float(found["lower_value"]) - lower * times) < 1e-4
        assert abs(float(found["upper_value"]) - upper * times) < 1e-4
        assert found["lower_value"] <= found["value"] + D("0.0001")
        assert found["value"] <= found["upper_value"] + D("0.0001")
