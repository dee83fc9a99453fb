"""Whatever comes to be known, and when: closed months end as one settlement of them today.

Registers, codes joined and parted, choices, sites and municipalities over three months, taken in
when they come or before; terms of who is on a list, and the scheme that pays, by month.

Here: random histories against a settlement that knows all of them from the beginning. Not here: the
rule that such a settlement follows (`test_settlement`), cases by hand
(`tests/spec/test_told_otherwise`).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.settlement import runs
from tests.support.settling import MAY, Tariff
from tests.support.told_desk import (
    MOVED,
    Chosen,
    Listed,
    Month,
    Places,
    ToldDesk,
    by_cell,
    month_of,
)

CODES = (1, 2, 3)
JULY = month_of(2)
FEWER = settings(max_examples=settings().max_examples // 8)
"""An example builds core three times and settles five months."""
BIRTHS = st.sampled_from(
    [date(1950, 1, 1), date(1987, 5, 20), date(1987, 6, 15), date(1999, 5, 10), date(2005, 7, 1)]
)
CHANGES = ("", "born", "sex", "moved", "joined", "parted", "gone")
DAYS = st.integers(-30, 75).map(lambda n: MAY + timedelta(n))
LENGTHS = st.sampled_from([None, None, None, 0, 5, 20, 60])
LANDED = st.sampled_from([(1, 2, 3), (1, 2, 3), (1, 3, 3), (2, 2, 3), (3, 3, 3)])
PROVIDERS = st.sampled_from(["P1", "P2", "M1"])


@dataclass(frozen=True)
class Case:
    """What comes for each month, how many months have come by each run, and the schemes."""

    months: tuple[Month, ...]
    landed: tuple[int, ...]
    tariffs: tuple[Tariff, ...]

    def paid_by(self, month: date) -> str:
        """The scheme that pays for a month."""
        return max((t.starts, t.rulebook_id) for t in self.tariffs if t.starts <= month)[1]


@st.composite
def listed(draw: st.DrawFn, code: int) -> list[Listed | None]:
    """A code in three registers, mostly as in the one before."""
    row = Listed(code, draw(BIRTHS), draw(st.sampled_from("12")))
    found: list[Listed | None] = [row]
    for number in (1, 2):
        changed = draw(st.sampled_from(CHANGES))
        if changed == "born":
            row = replace(row, born=draw(BIRTHS))
        elif changed == "sex":
            row = replace(row, sex="21"[int(row.sex) - 1])
        elif changed == "moved":
            to = draw(st.sampled_from(["106", "186", "091"]))
            row = replace(row, municipality_code=to, moved=max(MOVED, draw(DAYS)))
        elif changed == "joined":
            row = replace(row, former_code=draw(st.sampled_from([c for c in CODES if c != code])))
        elif changed == "parted":
            row = replace(row, former_code=None)
        found.append(None if changed == "gone" and number == 1 else row)
    return found


@st.composite
def chosen(draw: st.DrawFn, code: int) -> list[list[Chosen]]:
    """Choices of a code as three deliveries state them: new ones, and old ones put right."""
    found: list[list[Chosen]] = []
    for month in range(3):
        told = []
        least = 1 if month == 0 else 0
        numbers = st.sets(st.sampled_from([2 * code, 2 * code + 1]), min_size=least)
        for number in draw(numbers if month == 0 else st.just(set()) | numbers):
            start, length = draw(DAYS), draw(LENGTHS)
            end = None if length is None else start + timedelta(length)
            told.append(Chosen(number, code, draw(PROVIDERS), start, end))
        found.append(told)
    return found


@st.composite
def places(draw: st.DrawFn) -> Places:
    return Places(
        public=frozenset(draw(st.sampled_from([("M1",), ("M1", "P2"), ()]))),
        unknown=frozenset(draw(st.sampled_from([(), ("S2",), ("S9",)]))),
        area=frozenset(draw(st.sampled_from([("106", "186"), ("106",), ("106", "186", "091")]))),
    )


@st.composite
def tariffs(draw: st.DrawFn) -> tuple[Tariff, ...]:
    """One scheme, or a second version of it, or another scheme from June or July on."""
    first = draw(terms(date(2010, 1, 1), "R"))
    starts = draw(st.sampled_from([None, month_of(1), JULY]))
    if starts is None:
        return (first,)
    return (first, draw(terms(starts, draw(st.sampled_from(["R", "R2"])))))


def _cells(youngest: int) -> list[tuple[int, int, str]]:
    return [(a, b, sex) for a, b in ((youngest, 29), (30, 200)) for sex in "12"]


@st.composite
def terms(draw: st.DrawFn, starts: date, rulebook_id: str) -> Tariff:
    youngest = draw(st.sampled_from([0, 18]))
    euros = draw(st.integers(100, 900))
    return Tariff(
        starts=starts,
        rulebook_id=rulebook_id,
        bands=tuple(
            (age_from, age_to, sex, f"{euros * place}.07")
            for place, (age_from, age_to, sex) in enumerate(_cells(youngest), start=1)
        ),
        regional={"106": "1", "186": "1.1", "091": "0.9"},
        others={
            "adults_from_age": str(youngest),
            "choice_delay_days": draw(st.sampled_from(["0", "10", "21"])),
            "is_shadow_for_public": draw(st.sampled_from(["true", "false"])),
        },
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    people: Sequence[list[Listed | None]] = [draw(listed(code)) for code in CODES]
    choices = [draw(chosen(code)) for code in CODES]
    told = [draw(places())] + [draw(st.none() | places()) for _ in (1, 2)]
    months = tuple(
        Month(
            residents=[row for history in people if (row := history[n]) is not None]
            or [Listed(9, municipality_code="091")],
            choices=[c for history in choices for c in history[n]],
            places=told[n],
        )
        for n in range(3)
    )
    return Case(months, draw(LANDED), draw(tariffs()))


@pytest.fixture(scope="module")
def told_desk() -> ToldDesk:
    return ToldDesk()


@FEWER
@given(case=cases())
def test_closed_months_are_what_a_settlement_of_them_today_would_give(
    told_desk: ToldDesk, case: Case
) -> None:
    told_desk.clear()
    on = told_desk.desk.tariff(*case.tariffs)
    landed = 0
    for number, until in enumerate(case.landed):
        if until > landed:
            told_desk.land(landed, *case.months[landed:until])
            landed = until
        on.settle(month_of(number), case.paid_by(month_of(number)))
    corrected = by_cell(on, JULY)
    assert all(runs.recompute(on.lake, run_id).is_equal for run_id in (1, 2, 3))
    told_desk.forget_settlements()
    for month in (MAY, month_of(1)):
        on.settle(month, case.paid_by(month), known_through=JULY)
    assert not on.lake.count("select count(*) from mart.capitation_adjustment")
    assert corrected == by_cell(on, JULY)
