"""Acts and lists that come to be known in any order: closed months end as one settlement of each.

Here: four months settled one after the other, against the rule in exact decimals. Not here: cases
by hand (`tests/spec/test_act_corrections`).
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dagster_project.rules import capitation
from dagster_project.rules.capitation_list import Choice, Resident, Stay, listed_days
from dagster_project.settlement import runs
from tests.support.settling import MAY, Desk, Tariff, clear, desk

MONTHS = (MAY, date(2017, 6, 1), date(2017, 7, 1), date(2017, 8, 1))
BORN = date(1980, 1, 1)
SITES = {"P1": "S1", "P2": "S2"}
CODES = ("SFA10", "SFA20")
FEWER = settings(max_examples=settings().max_examples // 4)
"""An example settles four months."""
DAYS = st.integers(0, 91).map(lambda n: MAY + timedelta(n))
"""Of the months that will be closed."""
BEFORE = date(2017, 4, 1)


@dataclass(frozen=True)
class Act:
    """An act, and in which runs core has it: from one on, and up to another."""

    person: int
    day: date
    provider_id: str
    code: str
    known_in: int
    gone_in: int


@dataclass(frozen=True)
class Terms:
    """What a version of the scheme says."""

    base: Decimal
    fees: dict[str, Decimal]
    share: Decimal

    @property
    def tariff(self) -> Tariff:
        return Tariff(
            bands=((0, 200, "any", str(self.base)),),
            acts={code: str(fee) for code, fee in self.fees.items()},
            incentive=str(self.share),
        )


@dataclass(frozen=True)
class Case:
    """People's choices as each run knows them, acts, and terms that may be put right at the end."""

    choices: tuple[tuple[tuple[Choice, ...], ...], ...]
    acts: tuple[Act, ...]
    terms: Terms
    last_terms: Terms


@st.composite
def choices(draw: st.DrawFn) -> tuple[Choice, ...]:
    """One after the other from before May on, mostly without an end: most acts are on some list."""
    days = [BEFORE, *sorted(draw(st.sets(DAYS, max_size=3)))]
    starts, ends = days[::2], [*days[1::2], None][: len(days[::2])]
    return tuple(
        Choice(draw(st.sampled_from(tuple(SITES))), start, end)
        for start, end in zip(starts, ends, strict=True)
    )


@st.composite
def histories(draw: st.DrawFn) -> tuple[tuple[Choice, ...], ...]:
    """What is known of a person in each run; often the same as in the run before."""
    known = [draw(choices())]
    for _ in MONTHS[1:]:
        known.append(draw(st.sampled_from([known[-1], None])) or draw(choices()))
    return tuple(known)


@st.composite
def terms(draw: st.DrawFn) -> Terms:
    cents = st.integers(1, 200_000).map(lambda n: Decimal(n).scaleb(-2))
    return Terms(
        base=draw(cents),
        fees=draw(st.dictionaries(st.sampled_from(CODES), cents, min_size=1)),
        share=Decimal(draw(st.integers(0, 1000))).scaleb(-3),
    )


@st.composite
def cases(draw: st.DrawFn) -> Case:
    people = draw(st.lists(histories(), min_size=1, max_size=4))
    acts = st.builds(
        Act,
        person=st.integers(0, len(people) - 1),
        day=DAYS,
        provider_id=st.sampled_from(tuple(SITES)),
        code=st.sampled_from(CODES),
        known_in=st.integers(0, 3),
        gone_in=st.sampled_from([1, 2, 3, 9]),
    )
    first = draw(terms())
    return Case(
        choices=tuple(people),
        acts=tuple(draw(st.lists(acts, min_size=10, max_size=30))),
        terms=first,
        last_terms=draw(st.sampled_from([first, None])) or draw(terms()),
    )


@pytest.fixture(scope="module")
def empty_desk() -> Desk:
    made = desk()
    made.delivered(*MONTHS[1:])
    return made


def settle_all(empty: Desk, case: Case) -> Desk:
    clear(empty)
    on = empty.tariff(case.terms.tariff)
    for person, known in enumerate(case.choices):
        on.person(person, BORN)
        for run, version in enumerate(known):
            _know(on, person, version, run)
    for run, month in enumerate(MONTHS):
        _know_acts(on, [a for a in case.acts if a.known_in <= run < a.gone_in])
        if month == MONTHS[-1]:
            on = on.tariff(case.last_terms.tariff)
        on.settle(month)
    return on


def _know(on: Desk, person: int, version: Sequence[Choice], run: int) -> None:
    """Choices that a run knows and no other."""
    for c in version:
        on.choice(
            person,
            c.from_date,
            c.to_date,
            provider_id=c.provider_id,
            site_id=None,
            known_from_seq=201705 + run,
            known_to_seq=201706 + run,
        )


def _know_acts(on: Desk, acts: Sequence[Act]) -> None:
    rows = [(a.code, a.person, SITES[a.provider_id], a.day, a.day.replace(day=1)) for a in acts]
    on.replace("core.procedure", *rows)
    on.news()


Part = tuple[date, str, str, str | None]


def by_rule(case: Case) -> dict[Part, Decimal]:
    """Euros by closed month, provider, kind and act, as one settlement of all known has them."""
    terms = case.last_terms
    found: dict[Part, Decimal] = defaultdict(Decimal)
    residents = [Resident(BORN, k[-1], [Stay("106", BORN, None)]) for k in case.choices]
    for month in MONTHS[:-1]:
        days: Counter[str] = Counter()
        for resident in residents:
            for (provider, *_), count in listed_days(resident, month).items():
                days[provider] += count
        for provider, count in days.items():
            paid = capitation.amount(terms.base, count, capitation.days_in_year(month))
            found[month, provider, "capitation", None] = paid
    for act in case.acts:
        if act.gone_in >= len(MONTHS) and _is_listed(residents[act.person], act):
            part = (act.day.replace(day=1), act.provider_id, "act", act.code)
            found[part] += terms.fees.get(act.code, Decimal(0))
    earned: dict[tuple[date, str], Decimal] = defaultdict(Decimal)
    for (month, provider, *_), amount in found.items():
        earned[month, provider] += amount
    for (month, provider), amount in earned.items():
        found[month, provider, "incentive", None] = capitation.incentive(amount, terms.share)
    return {part: amount for part, amount in found.items() if amount}


def _is_listed(resident: Resident, act: Act) -> bool:
    return any(
        c.provider_id == act.provider_id
        and c.from_date <= act.day
        and (c.to_date is None or act.day < c.to_date)
        for c in resident.choices
    )


def by_ledger(on: Desk) -> dict[Part, Decimal]:
    parts = on.lake.rows(
        "select month, provider_id, line_kind_code, procedure_code, sum(amount_eur) from ("
        "select settlement_month as month, provider_id, line_kind_code, procedure_code, amount_eur"
        " from mart.capitation_line union all select corrected_month, provider_id, line_kind_code,"
        " procedure_code, amount_eur from mart.capitation_adjustment"
        ") as part where month < ? group by all having sum(amount_eur) <> 0",
        [MONTHS[-1]],
    )
    return {row[:4]: row[4] for row in parts}


@FEWER
@given(case=cases())
def test_closed_months_are_what_one_settlement_of_all_known_would_give(
    empty_desk: Desk, case: Case
) -> None:
    on = settle_all(empty_desk, case)
    assert by_ledger(on) == by_rule(case)
    assert all(runs.recompute(on.lake, run_id).is_equal for run_id in (2, 3, 4))


@given(
    earned=st.integers(-100_000, 100_000),
    changes=st.lists(st.integers(-100_000, 100_000), max_size=6),
    share=st.integers(0, 1000),
)
def test_an_incentive_and_its_corrections_are_the_share_of_the_whole(
    earned: int, changes: list[int], share: int
) -> None:
    euros, part = [Decimal(n).scaleb(-2) for n in (earned, *changes)], Decimal(share).scaleb(-3)
    corrections = capitation.incentive_correction(euros[0], euros[1:], part)
    paid = capitation.incentive(euros[0], part) + sum(corrections, Decimal(0))
    assert paid == capitation.incentive(sum(euros, Decimal(0)), part)
