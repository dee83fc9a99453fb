"""The need factor: the SQL model against the rule in plain Python, and case mix of mean 1.

Here: random lists, needs and days. Not here: where a person's need comes from (`tests/spec`).
"""

from __future__ import annotations

from calendar import monthrange
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.rules.capitation_need import Stay, need_factors
from tests.support.capitation import NEED_TABLES, scheme
from tests.support.models import Bench, bench
from tests.support.settling import Tariff, desk

VERSION, APRIL, JUNE, JULY = (date(2017, month, 1) for month in (5, 4, 6, 7))
LONG_AGO = date(2000, 1, 1)
AREA = [("106", True), ("611", True), ("091", False)]
BASES = {0: Decimal("120.000000"), 18: Decimal("174.250001")}
BORN = {0: date(2010, 3, 5), 18: date(1980, 6, 2)}


@pytest.fixture(scope="module")
def need() -> Bench:
    return bench("mart.capitation_need_factor", NEED_TABLES)


@dataclass(frozen=True)
class Person:
    """Somebody who lives in a municipality all of June and may have chosen a provider."""

    band: int
    provider: str | None
    start: int
    """Day of June on which the choice begins; before it the public provider is theirs."""
    need: Decimal
    place: str


NEEDS = st.integers(10**6, 10**9).map(lambda n: Decimal(n) / 10**8)
PEOPLE = st.lists(
    st.builds(
        Person,
        band=st.sampled_from([0, 18]),
        provider=st.none() | st.sampled_from(["Y1", "Y2"]),
        start=st.sampled_from([-40, 1, 1, 12, 30]),
        need=NEEDS,
        place=st.sampled_from(["106", "611", ""]),
    ),
    min_size=1,
    max_size=10,
)


def chosen_on(person: Person) -> date:
    return JUNE + timedelta(days=person.start - 1)


def in_june(person: Person) -> int:
    """Days on the provider's list."""
    return min(30, 31 - person.start) if person.provider else 0


def tables(people: list[Person]) -> dict[str, list[tuple[Any, ...]]]:
    exposure: dict[tuple[str, int], list[Decimal]] = {}
    for p in people:
        days, needs = exposure.setdefault((p.place, p.band), [Decimal(0), Decimal(0)])
        exposure[p.place, p.band] = [days + 30, needs + 30 * p.need]
    return {
        "rulebook.capitation_scheme": [scheme(VERSION, mode_code="need",
                                              is_shadow_for_public=True)],
        "mart.capitation_tariff": [
            ("R", VERSION, band, 17 if band == 0 else 200, "1", base)
            for band, base in BASES.items()
        ],
        "core.register_month": [(JUNE,)],
        "core.site": [("reception", "M106", "106", "public")],
        "core.enrolment": [
            (n, "reception", p.provider, chosen_on(p), None, None)
            for n, p in enumerate(people)
            if p.provider
        ],
        "core.person": [(n, "1", BORN[p.band], None) for n, p in enumerate(people)],
        "core.municipality": AREA,
        "core.residence": [(n, p.place or None, LONG_AGO, None, None)
                           for n, p in enumerate(people)],
        "core.expected_cost": [(n, APRIL, p.need) for n, p in enumerate(people)],
        "core.person_month": [(n, JUNE, p.place or None, 30) for n, p in enumerate(people)],
        "core.resident_exposure": [
            (JUNE, place, 7 if band == 0 else 36, "1", int(days), needs)
            for (place, band), (days, needs) in exposure.items()
        ],
    }  # fmt: skip


def by_rule(people: list[Person]) -> dict[str, Decimal]:
    lists: dict[str, list[Stay]] = {}
    elsewhere = []
    for p in people:
        base, listed = BASES[p.band], in_june(p)
        if p.provider:
            lists.setdefault(p.provider, []).append(Stay(base, listed, p.need))
        rest = Stay(base, 30 - listed, p.need)
        if p.place == "106":
            lists.setdefault("M106", []).append(rest)
        else:
            elsewhere.append(rest)
    return need_factors(lists, elsewhere)


@given(people=PEOPLE)
def test_sql_weighs_need_as_the_rule_does(need: Bench, people: list[Person]) -> None:
    rows = need.run(tables(people))
    found = {r["provider_id"]: r["need_factor"] for r in rows if r["expected_by_age_sex_eur"]}
    assert found == by_rule(people)


def listed(month: date, needs: dict[str, list[str]]) -> list[dict[str, list[tuple[Any, ...]]]]:
    """A month in which everybody is on a list for all of it, one person a need."""
    people = [(name, Decimal(n)) for name, own in needs.items() for n in own]
    days = (month.replace(month=month.month + 1) - month).days
    return [
        {
            "rulebook.capitation_scheme": [scheme(VERSION, mode_code="need")],
            "mart.capitation_tariff": [("R", VERSION, 0, 200, "1", 3528)],
            "core.register_month": [(month,)],
            "core.enrolment": [
                (n, "reception", name, month, None, None) for n, (name, _) in enumerate(people)
            ],
            "core.person": [(n, "1", BORN[18], None) for n in range(len(people))],
            "core.residence": [(n, None, LONG_AGO, None, None) for n in range(len(people))],
            "core.expected_cost": [
                (n, date(2017, (month.month - 1) // 3 * 3 + 1, 1), own)
                for n, (_, own) in enumerate(people)
            ],
            "core.person_month": [(n, month, None, days) for n in range(len(people))],
            "core.resident_exposure": [
                (month, "", 37, "1", days * len(people), days * sum(own for _, own in people))
            ],
        }
    ]


@pytest.mark.parametrize(
    "needs",
    [
        {"P1": ["2.0", "1.0"], "P2": ["0.25", "0.75"], "P3": ["1.5", "0.5", "1.0"]},
        # A month later everybody looks sicker: more diagnoses, the same money.
        {"P1": ["3.0", "1.5"], "P2": ["0.375", "1.125"], "P3": ["2.25", "0.75", "1.5"]},
    ],
)
@pytest.mark.parametrize("month", [JUNE, JULY])
def test_vastra_gotaland_pays_210_210_000_a_month_whatever_was_written_down(
    need: Bench, needs: dict[str, list[str]], month: date
) -> None:
    """Points are shared out by case mix of mean 1: 715 000 of them at 294 a month.

    One person here stands for 5 000 points: lists of 41, 41 and 61 have case mixes of 1.5, 0.5
    and 1.
    """
    (given_tables,) = listed(month, needs)
    case_mix = {r["provider_id"]: r["need_factor"] for r in need.run(given_tables)}
    assert case_mix == {"P1": Decimal("1.5"), "P2": Decimal("0.5"), "P3": Decimal(1)}
    days = monthrange(month.year, month.month)[1]
    a_year = (Decimal(294 * 5_000) * 365 / days).quantize(Decimal("0.000001"))
    on = desk(Tariff(bands=((0, 200, "any", str(a_year)),), others={"mode_code": "need"}))
    on.put("core.provider", ("P3", "Kolme Oy", "4444444-4", "private"))
    on.delivered(JUNE, JULY)
    lists = [name for name, size in {"P1": 41, "P2": 41, "P3": 61}.items() for _ in range(size)]
    for number, provider in enumerate(lists):
        on.choice(on.person(number), provider_id=provider, site_id=None)
    for provider, factor in case_mix.items():
        on.put("mart.capitation_need_factor", ("R", date(2010, 1, 1), month, provider, factor))
    settled = on.settle(month)
    assert settled.reckoned.paid_eur == Decimal("210210000.00")
    assert on.paid() == {
        "P1": Decimal("90405000.00"),
        "P2": Decimal("30135000.00"),
        "P3": Decimal("89670000.00"),
    }


def test_need_is_that_of_the_quarter_in_which_the_choice_took_effect(need: Bench) -> None:
    """What is written down afterwards, by one's own provider or anyone, does not raise it."""
    june = {
        "rulebook.capitation_scheme": [scheme(VERSION, mode_code="need")],
        "mart.capitation_tariff": [("R", VERSION, 0, 200, "1", 100)],
        "core.register_month": [(JULY,)],
        "core.enrolment": [(n, "reception", f"Y{n}", JUNE, None, None) for n in (1, 2)],
        "core.person": [(n, "1", BORN[18], None) for n in (1, 2)],
        "core.municipality": AREA,
        "core.residence": [(n, "106", LONG_AGO, None, None) for n in (1, 2)],
        "core.expected_cost": [(1, APRIL, "0.5"), (2, APRIL, "1.5"), (1, JULY, 9), (2, JULY, 1)],
        "core.person_month": [(n, JULY, "106", 31) for n in (1, 2)],
        "core.resident_exposure": [(JULY, "106", 37, "1", 62, 310)],
    }
    factors = {r["provider_id"]: r["need_factor"] for r in need.run(june)}
    assert factors == {"Y1": Decimal("0.5"), "Y2": Decimal("1.5")}


def stays(need: Bench, *choices: tuple[str, date, date | None], month: date = JULY) -> Any:
    """July's days and need by provider of one person, whose need is 2 in April and 3 in July."""
    rows = need.run(
        {
            "rulebook.capitation_scheme": [scheme(VERSION, mode_code="need", choice_delay_days=21)],
            "mart.capitation_tariff": [("R", VERSION, 0, 200, "1", 100)],
            "core.register_month": [(month,)],
            "core.enrolment": [
                *((1, "reception", name, start, end, None) for name, start, end in choices),
                (2, "reception", "Y9", LONG_AGO, None, None),
            ],
            "core.person": [(n, "1", BORN[18], None) for n in (1, 2)],
            "core.municipality": AREA,
            "core.residence": [
                (1, "106", LONG_AGO, date(2017, 7, 29), None),
                (1, "091", date(2017, 7, 29), None, None),
                (2, "106", LONG_AGO, None, None),
            ],
            "core.expected_cost": [(1, APRIL, 2), (1, JULY, 3)],
            "core.person_month": [(1, month, "106", 28), (2, month, "106", 31)],
            "core.resident_exposure": [(month, "106", 37, "1", 59, 28 * 3 + 31)],
        }
    )
    return {r["provider_id"]: (r["person_days"], r["need_factor"]) for r in rows}


def test_days_of_need_are_those_that_settlement_pays(need: Bench) -> None:
    """A choice ends 21 days after it is ended, as it begins, and nobody counts who moved away."""
    found = stays(need, ("Y1", APRIL, JUNE), ("Y2", JUNE, date(2017, 6, 20)))
    # Y2 until 11 July, at June's need; then nobody, at July's, to the 28th.
    base = Decimal(100)
    lists = {"Y2": [Stay(base, 10, Decimal(2))], "Y9": [Stay(base, 31, Decimal(1))]}
    by_hand = need_factors(lists, [Stay(base, 18, Decimal(3))])
    assert found == {"Y2": (10, by_hand["Y2"]), "Y9": (31, by_hand["Y9"])}


@pytest.mark.parametrize(
    ("chosen", "ended", "counted_need"),
    [
        (APRIL, date(2017, 6, 10), 2),  # chosen anew without a day between
        (APRIL, date(2017, 6, 1), 2),  # nine days with nobody
        (LONG_AGO, date(2015, 3, 11), 1),  # what it wrote down then may still be seen
        (LONG_AGO, date(2015, 3, 10), 3),  # 27 months: no longer
    ],
)
def test_need_at_a_second_choice_of_a_provider_is_that_of_the_first(
    need: Bench, chosen: date, ended: date, counted_need: int
) -> None:
    """Chosen again on 10 June, which takes effect on 1 July."""
    found = stays(need, ("Y1", chosen, ended), ("Y1", date(2017, 6, 10), None))
    base = Decimal(100)
    lists = {
        "Y1": [Stay(base, 28, Decimal(counted_need))],
        "Y9": [Stay(base, 31, Decimal(1))],
    }
    assert found["Y1"] == (28, need_factors(lists)["Y1"])
