"""Social care's guarantee: weekdays without public holidays, assessment, decision, publication.

Here: `core.weekday` against another reckoning of Easter; verdicts and half-yearly figures by hand.
Not here: how a matter is delivered (`tests/unit/test_synthetic_region`).
"""

from __future__ import annotations

from datetime import date, timedelta
from functools import cache
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from tests.support.model_chain import Chain, chain

TABLES = {
    "effective.delivery": "source varchar, table_name varchar, covers_to_date date",
    "core.service_period": (
        "service_period_id bigint, person_id bigint, service_class_code varchar,"
        " client_group_code varchar, contacted_date date, assessed_date date, decided_date date,"
        " started_date date, decision_code varchar"
    ),
    "core.person": "person_id bigint, birth_date date, death_date date",
    "core.register_month": "exposure_month date",
    "core.access_limit": (
        "guarantee_code varchar, reason_code varchar, from_age_years integer,"
        " to_age_years integer, limit_count integer, limit_unit_code varchar,"
        " valid_from_date date, valid_to_date date"
    ),
}
MODELS = (
    *("core.weekday", "core.social_wait"),
    *("mart.social_guarantee", "mart.elderly_waiting_time"),
)
SINCE = date(2015, 4, 1)
LIMITS = [
    ("social_assessment", "any", 75, None, 7, "weekday", SINCE, None),
    ("social_assessment", "child", 0, 18, 7, "weekday", date(2008, 1, 1), None),
    ("social_assessment", "disability_benefit", 0, None, 7, "weekday", SINCE, None),
    ("social_decision", "any", 0, None, 3, "month", SINCE, None),
]
REACHED = date(2017, 12, 31)
OLD, YOUNG, CHILD = date(1940, 1, 1), date(1980, 1, 1), date(2010, 1, 1)
Row = tuple[Any, ...]


@cache
def models() -> Chain:
    return chain(MODELS, TABLES)


def run(*matters: Row, reached: date = REACHED, persons: list[Row] | None = None) -> Chain:
    built = models()
    built.run(
        {
            "effective.delivery": [("apotti", "social_services", reached)],
            "core.access_limit": LIMITS,
            "core.person": persons or [(1, OLD, None), (2, YOUNG, None), (3, CHILD, None)],
            "core.service_period": list(matters),
            "core.register_month": [(date(2017, m, 1),) for m in range(1, 13)],
        }
    )
    return built


def matter(
    contacted: date,
    assessed: date | None = None,
    decided: date | None = None,
    started: date | None = None,
    **others: Any,
) -> Row:
    row = {"number": 1, "person": 1, "service": "home_care", "group": "elderly"} | others
    decision = row.get("decision", "granted" if decided else None)
    return (
        *(row["number"], row["person"], row["service"], row["group"]),
        *(contacted, assessed, decided, started, decision),
    )


def easter(year: int) -> date:
    """Easter Sunday by the anonymous Gregorian algorithm; the model goes by Gauss's."""
    a, b, c = year % 19, year // 100, year % 100
    h = (19 * a + b - b // 4 - (b - (b + 8) // 25 + 1) // 3 + 15) % 30
    k = (32 + 2 * (b % 4) + 2 * (c // 4) - h - c % 4) % 7
    n = h + k - 7 * ((a + 11 * h + 22 * k) // 451) + 114
    return date(year, n // 31, n % 31 + 1)


def is_holiday(day: date) -> bool:
    fixed = {(1, 1), (1, 6), (5, 1), (12, 6), (12, 25), (12, 26)}
    return (day.month, day.day) in fixed or (day - easter(day.year)).days in (-2, 1, 39)


def nth_weekday(day: date, count: int) -> date:
    while count:
        day += timedelta(days=1)
        count -= day.weekday() < 5 and not is_holiday(day)
    return day


def test_weekdays_of_a_century_are_those_of_the_calendar() -> None:
    known = [(2008, 3, 23), (2011, 4, 24), (2017, 4, 16), (2025, 4, 20)]
    assert [easter(year) for year, _, _ in known] == [date(*day) for day in known]
    found = run(reached=date(2098, 12, 31)).rows(
        "select calendar_date, is_public_holiday, is_weekday from core.weekday"
        " where calendar_date < date '2100-01-01'"
    )
    assert len(found) > 36_000
    assert [
        day for day, holiday, weekday in found
        if holiday != is_holiday(day) or weekday != (day.weekday() < 5 and not is_holiday(day))
    ] == []  # fmt: skip


@hypothesis_settings(max_examples=10)
@given(st.lists(st.dates(date(2015, 4, 1), date(2017, 11, 1)), min_size=1, max_size=30))
def test_an_assessment_is_due_on_the_seventh_weekday(days: list[date]) -> None:
    built = run(*(matter(day, number=n) for n, day in enumerate(days)))
    assert built.rows(
        "select service_period_id, assessment_due_date from core.social_wait order by all"
    ) == [(n, nth_weekday(day, 7)) for n, day in enumerate(days)]


# Contact on Maundy Thursday of 2017: Good Friday and Easter Monday do not count.
EASTER, SEVENTH = date(2017, 4, 13), date(2017, 4, 26)


@pytest.mark.parametrize(
    ("row", "verdict"),
    [
        (matter(EASTER, SEVENTH), "within"),
        (matter(EASTER, SEVENTH + timedelta(days=1)), "exceeded"),
        (matter(EASTER), "exceeded"),
        (matter(date(2017, 12, 20)), "open"),
        (matter(EASTER, SEVENTH, person=2), "not_judged"),
        (matter(EASTER, SEVENTH, person=9), "not_judged"),
        (matter(EASTER, SEVENTH, person=3, group="families"), "within"),
        (matter(EASTER, SEVENTH, person=3, group="elderly"), "not_judged"),
        (matter(date(2015, 3, 31), date(2015, 4, 1)), "not_judged"),
    ],
)
def test_the_assessment_is_judged_by_age_and_reason(row: Row, verdict: str) -> None:
    found = run(row).rows("select assessment_verdict_code from core.social_wait")
    assert found == [(verdict,)]


@pytest.mark.parametrize(
    ("contacted", "decided", "verdict"),
    [
        (date(2017, 1, 31), date(2017, 4, 30), "within"),
        (date(2017, 1, 31), date(2017, 5, 1), "exceeded"),
        (date(2017, 1, 31), None, "exceeded"),
        (date(2017, 10, 15), None, "open"),
        (date(2015, 3, 31), date(2015, 4, 1), "not_judged"),
    ],
)
def test_a_decision_is_due_in_three_months(
    contacted: date, decided: date | None, verdict: str
) -> None:
    found = run(matter(contacted, decided=decided, person=2)).rows(
        "select decision_verdict_code from core.social_wait"
    )
    assert found == [(verdict,)]


def test_matters_are_counted_by_month_of_contact() -> None:
    built = run(
        matter(EASTER, SEVENTH, date(2017, 5, 1)),
        matter(EASTER, SEVENTH, date(2017, 8, 1), number=2, person=2),
        matter(EASTER, SEVENTH + timedelta(days=1), number=3),
        matter(date(2017, 5, 2), number=4, service="support_services"),
    )
    assert built.rows("from mart.social_guarantee order by all") == [
        (date(2017, 4, 1), "elderly", "home_care", 3, 2, 1, 1, 3, 2, 3, 1, 2),
        (date(2017, 5, 1), "elderly", "support_services", 1, 1, 0, 1, 0, 0, 1, 0, 1),
    ]


def test_waiting_times_of_older_peoples_services_by_half_year() -> None:
    june, july = date(2017, 6, 30), date(2017, 7, 1)
    built = run(
        matter(date(2017, 3, 1), None, date(2017, 3, 31), date(2017, 4, 30)),
        matter(date(2017, 3, 1), None, date(2017, 4, 10), date(2017, 6, 8), number=2),
        matter(date(2017, 3, 1), None, june, july, number=3),
        matter(date(2017, 3, 1), None, june, decision="refused", number=4),
        matter(date(2017, 3, 1), None, july, decision="withdrawn", number=5),
        matter(july, number=6),
        matter(date(2017, 3, 1), None, june, june, number=7, group="families"),
        matter(date(2017, 3, 1), number=8, person=8),  # died while waiting
        matter(date(2017, 3, 1), number=9, person=9),  # died after the half-year
        persons=[(1, OLD, None), (8, OLD, june), (9, OLD, july)],
        reached=date(2017, 12, 30),  # the second half-year is not over
    )
    assert built.rows(
        "select half_year_start_date, decided_count, cast(decision_days_median as double),"
        " started_count, cast(start_days_median as double), started_over_90_days_count,"
        " waiting_count from mart.elderly_waiting_time"
    ) == [(date(2017, 1, 1), 4, 80.5, 2, 79.5, 1, 3)]
