"""Random tariffs and lists: SQL against the rule in exact decimals, and what must hold of any.

Here: months as they are first settled, and corrected. Not here: cases by hand (`tests/spec`).
"""

from __future__ import annotations

import itertools
from calendar import monthrange
from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.lake.ledger import take_out_persons
from dagster_project.rules import capitation
from dagster_project.rules.capitation_list import Choice, Resident, Stay, listed_days
from dagster_project.settlement import runs
from tests.support.settling import AREA, MAY, Desk, Tariff, clear, desk

FEBRUARY, JUNE = date(2016, 2, 1), date(2017, 6, 1)
PROVIDERS = ("P1", "P2")
VERSION = date(2010, 1, 1)
FACTORS = st.integers(10_000_000, 300_000_000).map(lambda n: Decimal(n).scaleb(-8))
FEWER = settings(max_examples=settings().max_examples // 4)
"""Where an example settles two months."""
LOWER = Decimal("0.5")
"""What no correction factor goes below."""
AMOUNTS = st.integers(0, 200_000).map(lambda n: Decimal(n).scaleb(-2))


@dataclass(frozen=True)
class Case:
    """A tariff, factors, and people with their sex."""

    bands: tuple[tuple[int, int, str, str], ...]
    regional: dict[str, str]
    need: dict[str, Decimal]
    correction: dict[str, Decimal]
    people: tuple[tuple[Resident, str], ...]
    is_budget_neutral: bool
    month: date
    steps: dict[int, str]
    """Of list size, by persons beyond whom each holds."""
    is_shadow_for_public: bool = False

    @property
    def tariff(self) -> Tariff:
        return Tariff(
            bands=self.bands,
            regional=self.regional,
            breakpoints=self.steps,
            others={
                "is_budget_neutral": str(self.is_budget_neutral).lower(),
                "is_shadow_for_public": str(self.is_shadow_for_public).lower(),
                "factor_lower": str(LOWER),
            },
        )


@st.composite
def bands(draw: st.DrawFn) -> tuple[tuple[int, int, str, str], ...]:
    cuts = sorted(draw(st.sets(st.integers(1, 90), max_size=3)))
    edges = [0, *cuts, 201]
    return tuple(
        (lower, upper - 1, sex, str(draw(AMOUNTS)))
        for lower, upper in itertools.pairwise(edges)
        for sex in ("1", "2")
    )


def spans(month: date, most: int) -> st.SearchStrategy[list[tuple[date, date | None]]]:
    """No days, or days that follow each other, some in the month; the last may have no end."""

    def paired(days: list[int]) -> list[tuple[date, date | None]]:
        at = [month + timedelta(n) for n in sorted(set(days))]
        found: list[tuple[date, date | None]] = []
        for n in range(0, len(at), 2):
            found.append((at[n], at[n + 1] if n + 1 < len(at) else None))
        return found

    return st.lists(st.integers(-5, 35), max_size=most).map(paired)


@st.composite
def residents(draw: st.DrawFn, month: date) -> tuple[Resident, str]:
    born = draw(
        st.dates(date(1930, 1, 1), month - timedelta(40))
        | st.sampled_from([date(2012, 2, 29), date(2008, 5, 1), date(2008, 5, 31)])
    )
    chosen = draw(st.just([]) | spans(month, 5))
    choices = [Choice(draw(st.sampled_from(PROVIDERS)), a, b) for a, b in chosen]
    stays = [Stay(draw(st.sampled_from(AREA)), a, b) for a, b in draw(spans(month, 4))]
    return Resident(born, choices, stays), draw(st.sampled_from("12"))


@st.composite
def steps(draw: st.DrawFn, least: Decimal) -> dict[int, str]:
    """Steps that together take no more than the least that a person brings."""
    whole = int(least * 100)
    first = draw(st.integers(0, whole))
    cents = draw(st.sampled_from([(), (first,), (first, whole - first)]))
    return {n: str(Decimal(-taken).scaleb(-2)) for n, taken in zip((1, 3), cents, strict=False)}


@st.composite
def cases(draw: st.DrawFn) -> Case:
    month = draw(st.sampled_from([MAY, FEBRUARY]))
    tariff = draw(bands())
    regional = {code: draw(FACTORS) for code in AREA}
    least = min(Decimal(eur) for *_, eur in tariff) * min(regional.values()) * LOWER
    return Case(
        bands=tariff,
        regional={code: str(factor) for code, factor in regional.items()},
        need={p: draw(FACTORS) for p in PROVIDERS},
        correction={p: draw(FACTORS) for p in PROVIDERS},
        people=tuple(draw(st.lists(residents(month), min_size=1, max_size=6))),
        is_budget_neutral=draw(st.booleans()),
        month=month,
        steps=draw(steps(least)),
    )


@pytest.fixture(scope="module")
def empty_desk() -> Desk:
    made = desk()
    made.delivered(FEBRUARY, JUNE)
    made.lake.execute("delete from lake.ops.delivery where delivery_sequence = 201602")
    made.lake.execute(
        "insert into lake.ops.delivery select * replace (201602 as delivery_sequence,"
        " null as predecessor_sequence, date '2016-02-29' as covers_to_date)"
        " from lake.ops.delivery where delivery_sequence = 201705"
    )
    made.lake.execute(
        "update lake.ops.delivery set predecessor_sequence = null where delivery_sequence = 201705"
    )
    return made


def settled(empty: Desk, case: Case) -> tuple[Desk, runs.Settled]:
    clear(empty)
    on = empty.tariff(case.tariff)
    for number, (resident, sex) in enumerate(case.people):
        on.put("core.person", (number, sex, resident.birth_date, None))
        for stay in resident.stays:
            row = (number, stay.municipality_code, stay.from_date, stay.to_date, 201001, None)
            on.put("core.residence", row)
        for c in resident.choices:
            on.choice(number, c.from_date, c.to_date, provider_id=c.provider_id, site_id=None)
    for provider in PROVIDERS:
        need = ("R", VERSION, case.month, provider, case.need[provider])
        on.put("mart.capitation_need_factor", need)
        factor = ("R", VERSION, provider, case.correction[provider], *([None] * 7))
        on.put("mart.capitation_correction_factor", factor)
    return on, on.settle(case.month)


Cell = tuple[str, int, str, str]


def by_rule(case: Case) -> dict[Cell, tuple[int, Decimal]]:
    """Days and euros by provider, first age of the band, sex and municipality."""
    days: Counter[Cell] = Counter()
    for resident, sex in case.people:
        for (provider, age, place), count in listed_days(resident, case.month).items():
            first = max(a for a, b, s, _ in case.bands if a <= age and s == sex)
            days[provider, first, sex, place] += count
    base = {(a, s): Decimal(eur) for a, _, s, eur in case.bands}
    order = sorted(days)
    made = [
        capitation.Cell(
            person_days=days[cell],
            base_eur=base[cell[1], cell[2]],
            regional_factor=Decimal(case.regional[cell[3]]),
            need_factor=case.need[cell[0]],
            correction_factor=case.correction[cell[0]],
        )
        for cell in order
    ]
    year_days = capitation.days_in_year(case.month)
    if case.is_budget_neutral:
        _, amounts = capitation.neutral(made, year_days)
    else:
        amounts = [capitation.line(cell, year_days) for cell in made]
    return {c: (days[c], eur) for c, eur in zip(order, amounts, strict=True)}


def steps_by_rule(case: Case, cells: dict[Cell, tuple[int, Decimal]]) -> dict[str, Decimal]:
    """Euros by provider for the size of its list."""
    days: Counter[str] = Counter()
    for (provider, *_), (count, _) in cells.items():
        days[provider] += count
    steps = {persons: Decimal(eur) for persons, eur in case.steps.items()}
    year_days = capitation.days_in_year(case.month)
    month_days = monthrange(case.month.year, case.month.month)[1]
    return {
        provider: sum(capitation.steps_of_list(n, month_days, year_days, steps), Decimal(0))
        for provider, n in days.items()
    }


@given(case=cases())
def test_sql_pays_as_the_rule_does(empty_desk: Desk, case: Case) -> None:
    on, done = settled(empty_desk, case)
    expected = by_rule(case)
    steps = steps_by_rule(case, expected)
    rows = on.rows(
        "mart.capitation_line",
        "provider_id, age_from, sex_code, municipality_code, person_days, amount_eur",
        "line_kind_code = 'capitation'",
    )
    assert {row[:4]: row[4:] for row in rows} == expected
    total = sum((eur for _, eur in expected.values()), sum(steps.values(), Decimal(0)))
    assert sum(on.paid().values(), Decimal(0)) == total == done.reckoned.paid_eur


@FEWER
@given(case=cases())
def test_a_recompute_gives_the_ledger_byte_by_byte_whoever_was_taken_out(
    empty_desk: Desk, case: Case
) -> None:
    on, done = settled(empty_desk, case)
    take_out_persons(on.lake, "select 0 union select 2")
    again = runs.recompute(on.lake, done.capitation_run_id)
    assert again.is_equal, again
    assert not on.lake.count("select count(*) from ledger.frozen_list where person_id in (0, 2)")


@FEWER
@given(case=cases(), day=st.integers(1, 27))
def test_splitting_a_month_gives_the_same_sum(empty_desk: Desk, case: Case, day: int) -> None:
    """A choice cut in two on any day, with the same provider on both sides, changes nothing."""
    cut = case.month + timedelta(day)

    def split(choice: Choice) -> list[Choice]:
        if not choice.from_date < cut < (choice.to_date or date.max):
            return [choice]
        return [replace(choice, to_date=cut), replace(choice, from_date=cut)]

    people = tuple(
        (replace(r, choices=[part for c in r.choices for part in split(c)]), sex)
        for r, sex in case.people
    )
    whole = settled(empty_desk, case)[0].paid()
    assert settled(empty_desk, replace(case, people=people))[0].paid() == whole


@FEWER
@given(case=cases())
def test_a_person_more_never_lowers_a_payment_before_neutrality(
    empty_desk: Desk, case: Case
) -> None:
    """Steps of list size with it, which take at most what a person brings at the lowest factors.

    Each line is rounded by itself: a person's own lines and the steps may each lose half a cent.
    """
    bounded = {provider: max(factor, LOWER) for provider, factor in case.correction.items()}
    one = dict.fromkeys(PROVIDERS, Decimal(1))
    plain = replace(case, is_budget_neutral=False, need=one, correction=bounded)
    fewer = replace(plain, people=plain.people[:-1])
    on, _ = settled(empty_desk, plain)
    more, lines = on.paid(), on.lake.count("select count(*) from mart.capitation_line")
    less = settled(empty_desk, fewer)[0].paid()
    cents = lines * Decimal("0.01")
    assert all(more[provider] >= amount - cents for provider, amount in less.items())


@FEWER
@given(case=cases())
def test_who_chose_nobody_is_paid_to_no_one_and_who_chose_once_to_one(
    empty_desk: Desk, case: Case
) -> None:
    """Days of choice go to the provider chosen, all others to nobody but the station's shadow."""
    on, _ = settled(empty_desk, replace(case, is_shadow_for_public=True))
    paid = on.rows(
        "ledger.frozen_list",
        "person_id, provider_id, cast(sum(person_days) over who as bigint)",
        "status_code = 'paid' and not is_shadow"
        " window who as (partition by person_id, provider_id)",
    )
    expected: Counter[tuple[int, str]] = Counter()
    for number, (resident, _) in enumerate(case.people):
        for (provider, *_), days in listed_days(resident, case.month).items():
            expected[number, provider] += days
    assert {(person, provider): days for person, provider, days in paid} == dict(expected)
    always = [Choice("P1", date.min, None)]
    lived = sum(
        sum(listed_days(replace(resident, choices=always), case.month).values())
        for resident, _ in case.people
    )
    in_shadow = on.rows(
        "mart.capitation_line",
        "coalesce(sum(person_days), 0)",
        "is_shadow and age_from is not null",
    )
    assert in_shadow == [(lived - sum(expected.values()),)]


@FEWER
@given(case=cases(), late=cases())
def test_a_closed_month_with_its_corrections_is_what_it_would_have_been(
    empty_desk: Desk, case: Case, late: Case
) -> None:
    """June comes to know other choices and stays of May: line and correction are the rule's."""
    first = replace(case, month=MAY, is_budget_neutral=False)
    on, _ = settled(empty_desk, first)
    on.lake.execute("update lake.core.enrolment set known_to_seq = 201706")
    on.lake.execute("update lake.core.residence set known_to_seq = 201706")
    people = [
        (replace(old, choices=new.choices, stays=new.stays), sex)
        for (old, sex), (new, _) in zip(case.people, late.people, strict=False)
    ]
    for number, (resident, _) in enumerate(people):
        for s in resident.stays:
            row = (number, s.municipality_code, s.from_date, s.to_date, 201706, None)
            on.put("core.residence", row)
        for c in resident.choices:
            others = {"provider_id": c.provider_id, "site_id": None, "known_from_seq": 201706}
            on.choice(number, c.from_date, c.to_date, **others)
    done = on.settle(JUNE)
    expected = by_rule(replace(first, people=tuple(people)))
    found = on.rows(
        "(select provider_id, age_from, sex_code, municipality_code, person_days, amount_eur"
        " from mart.capitation_line where settlement_month = date '2017-05-01'"
        " and line_kind_code = 'capitation' union all"
        " select provider_id, age_from, sex_code, municipality_code, person_days, amount_eur"
        " from mart.capitation_adjustment where line_kind_code = 'capitation')",
        "provider_id, age_from, sex_code, municipality_code,"
        " cast(sum(person_days) over cell as bigint), sum(amount_eur) over cell",
        "true window cell as (partition by provider_id, age_from, sex_code, municipality_code)",
    )
    assert {row[:4]: row[4:] for row in found if row[4]} == expected
    assert all(row[5] == 0 for row in found if not row[4])
    steps = on.lake.rows(
        "select provider_id, sum(amount_eur) from (select provider_id, amount_eur"
        " from mart.capitation_line where settlement_month = date '2017-05-01'"
        " and line_kind_code = 'breakpoint' union all select provider_id, amount_eur"
        " from mart.capitation_adjustment where line_kind_code = 'breakpoint') as step"
        " group by provider_id having sum(amount_eur) <> 0"
    )
    due = steps_by_rule(first, expected)
    assert dict(steps) == {provider: eur for provider, eur in due.items() if eur}
    assert runs.recompute(on.lake, done.capitation_run_id).is_equal
