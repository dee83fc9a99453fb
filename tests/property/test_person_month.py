"""Days of residence by month are the days of the stays, counted one by one.

Here: the model of `core.person_month` over stays that Hypothesis draws. Not here: how stays come
about (`test_residence_and_enrolment`).
"""

from __future__ import annotations

import calendar
from collections import Counter
from collections.abc import Sequence
from datetime import date, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.models import Bench, bench
from tests.support.reference import Stay

DAY = timedelta(days=1)
FIRST, LAST = date(2019, 11, 1), date(2020, 4, 30)
"""What the register covers: six months, a leap February among them."""
MONTHS = [date(2019, 11, 1), date(2019, 12, 1), *(date(2020, m, 1) for m in (1, 2, 3, 4))]


@pytest.fixture(scope="module")
def person_month() -> Bench:
    return bench(
        "core.person_month",
        {
            "core.register_month": "exposure_month date",
            "core.municipality": "municipality_code varchar, is_trial_area boolean",
            "core.residence": "person_id bigint, municipality_code varchar, postal_code varchar,"
            " region_code varchar, valid_from_date date, valid_to_date date,"
            " known_from_seq bigint, known_to_seq bigint",
            "core.person": "person_id bigint, sex_code varchar, birth_date date",
        },
    )


def days_by_sql(on: Bench, stays: Sequence[Stay]) -> dict[tuple[int, date], tuple[str | None, int]]:
    rows = on.run(
        {
            "core.register_month": [(m,) for m in MONTHS],
            "core.municipality": [("091", True), ("092", True), ("444", False)],
            "core.residence": [
                (
                    s.person,
                    s.place[0] if s.place else None,
                    s.place[1] if s.place else None,
                    "01",
                    s.valid_from,
                    s.valid_to,
                    201911,
                    None,
                )
                for s in stays
            ],
            "core.person": [(p, "1", date(1980, 1, 1)) for p in sorted({s.person for s in stays})],
        }
    )
    return {
        (r["person_id"], r["exposure_month"]): (r["municipality_code"], r["resident_days"])
        for r in rows
    }


def days_one_by_one(stays: Sequence[Stay]) -> Counter[tuple[int, date]]:
    """Days in the area by person and month, by walking through every day."""
    counted: Counter[tuple[int, date]] = Counter()
    for stay in stays:
        day = max(stay.valid_from, FIRST)
        while day <= LAST and (stay.valid_to is None or day < stay.valid_to):
            if stay.place is None or stay.place[0] != "444":
                counted[stay.person, day.replace(day=1)] += 1
            day += DAY
    return counted


edges = st.lists(st.dates(date(2019, 10, 1), date(2020, 6, 1)), min_size=1, max_size=5, unique=True)
places = st.sampled_from([("091", "00100"), ("092", "01300"), ("444", "08100"), None])


@st.composite
def lives(draw: st.DrawFn, person: int) -> list[Stay]:
    """Stays one after the other, some of them apart, the last perhaps open."""
    days = sorted(draw(edges))
    ends: list[date | None] = [*days[1:], draw(st.none() | st.just(days[-1] + 40 * DAY))]
    stays = [Stay(person, draw(places), start, end) for start, end in zip(days, ends, strict=True)]
    return [s for s in stays if draw(st.integers(0, 3))]


@given(first=lives(1), second=lives(2))
def test_resident_days_are_the_days_of_the_stays(
    person_month: Bench, first: list[Stay], second: list[Stay]
) -> None:
    found = days_by_sql(person_month, [*first, *second])
    assert {k: days for k, (_, days) in found.items()} == days_one_by_one([*first, *second])


def one(start: date, end: date | None) -> Stay:
    return Stay(1, ("091", "00100"), start, end)


@pytest.mark.parametrize(
    ("stay", "expected"),
    [
        pytest.param(one(date(2000, 1, 1), None), [30, 31, 31, 29, 31, 30], id="all the time"),
        pytest.param(one(date(2020, 2, 29), None), [1, 31, 30], id="born on leap day"),
        pytest.param(
            one(date(2000, 1, 1), date(2020, 3, 1)), [30, 31, 31, 29], id="died on leap day"
        ),
        pytest.param(one(date(2020, 1, 15), date(2020, 2, 10)), [17, 9], id="in and out mid-month"),
        pytest.param(one(date(2020, 1, 15), date(2020, 1, 16)), [1], id="one day"),
        pytest.param(one(date(2000, 1, 1), date(2019, 11, 1)), [], id="left before"),
        pytest.param(one(date(2020, 5, 1), None), [], id="came after"),
    ],
)
def test_days_by_month(person_month: Bench, stay: Stay, expected: list[int]) -> None:
    found = days_by_sql(person_month, [stay])
    assert [days for _, (_, days) in sorted(found.items())] == expected


def test_a_whole_month_has_as_many_days_as_the_calendar_says(person_month: Bench) -> None:
    found = days_by_sql(person_month, [one(date(2000, 1, 1), None)])
    assert {m: days for (_, m), (_, days) in found.items()} == {
        m: calendar.monthrange(m.year, m.month)[1] for m in MONTHS
    }


def test_a_month_in_two_places_is_one_row_at_the_later_one(person_month: Bench) -> None:
    moved = [
        Stay(1, ("091", "00100"), date(2000, 1, 1), date(2020, 2, 20)),
        Stay(1, ("092", "01300"), date(2020, 2, 20), None),
    ]
    found = days_by_sql(person_month, moved)
    assert found[1, date(2020, 2, 1)] == ("092", 29)
    assert found[1, date(2020, 1, 1)] == ("091", 31)
