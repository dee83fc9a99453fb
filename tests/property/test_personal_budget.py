"""Proposals of a personal budget: SQL against the rule in plain Python, and what must always hold.

Here: random scores, prior use, terms and days. Not here: cases by hand
(`tests/spec/test_personal_budget`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.pipeline import load_definition
from dagster_project.rules import personal_budget as rule
from dagster_project.rules.personal_budget import Terms
from dagster_project.rules.personal_budget_rulebook import SCALES, bands_of
from tests.support.budgets import D, proposal_chain
from tests.support.model_chain import Chain

GROUP = "1"
BOOKS = {book.name: book for book in load_definition().rulebooks}
SERVICES = sorted(
    service for _, (group, service) in BOOKS["personal_budget_service"].rows if group == GROUP
)
BANDS = {service: bands_of(BOOKS["personal_budget_class"], service) for service in SERVICES}
UNITS = {(s, int(n)): D(units) for _, (s, n, units) in BOOKS["personal_budget_unit"].rows}
PRICES = {
    service: D(price)
    for starts, (service, price) in BOOKS["personal_budget_price"].rows
    if starts == date(2017, 1, 1)
}
RAI = ("MAPLe", "CPS", "ADLH", "IADL")
SCORES = st.fixed_dictionaries({}, optional={s: st.integers(*SCALES[s]) for s in RAI})
SHARE = st.integers(0, 100).map(lambda n: D(n) / 100)
MONEY = st.integers(0, 400_000).map(lambda n: D(n) / 100)
TERMS = st.builds(
    Terms,
    moderation_share=SHARE,
    moderation_floor=SHARE,
    moderation_ceiling=SHARE.map(lambda n: 1 + n),
    least_month_eur=st.integers(0, 50_000).map(lambda n: D(n) / 100),
    most_month_eur=st.integers(50_000, 300_000).map(lambda n: D(n) / 100),
    least_history_months=st.integers(1, 12),
)
STARTS = st.integers(0, 364).map(lambda n: date(2017, 1, 1) + timedelta(days=n))
SOMETIMES = st.none() | st.integers(0, 700).map(lambda n: date(2017, 1, 1) + timedelta(days=n))
TERMS_TABLE = (
    "valid_from_date date, budget_group_code varchar, moderation_share decimal(18,4),"
    " moderation_floor decimal(18,4), moderation_ceiling decimal(18,4),"
    " least_month_eur decimal(18,2), most_month_eur decimal(18,2), window_months integer,"
    " least_history_months integer"
)


def amounts(scores: dict[str, int]) -> dict[str, Decimal]:
    """Euros a month by service with a class above 0."""
    decided = {s: rule.decided_class(scores, BANDS[s]) for s in SERVICES}
    return {
        service: rule.class_amount(UNITS[service, found[1]], PRICES[service])
        for service, found in decided.items()
        if found is not None and found[1] > 0
    }


@pytest.fixture(scope="module")
def budget() -> Chain:
    return proposal_chain(**{"rulebook.personal_budget_terms": TERMS_TABLE})


def tables(
    scores: dict[str, int],
    used: list[Decimal],
    terms: Terms,
    *,
    starts: date,
    died: date | None,
    left: date | None,
) -> dict[str, Any]:
    start_month = starts.year * 12 + starts.month - 1
    months = [
        date((start_month - n) // 12, (start_month - n) % 12 + 1, 1)
        for n in range(1, len(used) + 1)
    ]
    shares = (terms.moderation_share, terms.moderation_floor, terms.moderation_ceiling)
    bounds = (terms.least_month_eur, terms.most_month_eur, 12, terms.least_history_months)
    return {
        "core.person": [(7, "2", date(1935, 1, 1), died, "fi")],
        "core.residence": [(7, "106", date(2010, 1, 1), left, None)],
        "core.municipality": [("106", True)],
        "core.study_enrolment": [(7, "guidance_only", GROUP, starts, None)],
        "core.need_assessment": [
            (1, scale, 7, "RAI-HC", score, date(2016, 6, 1), None)
            for scale, score in scores.items()
        ],
        "core.person_month": [(7, month) for month in months],
        "core.cost": [
            ("service_period", 7, month, "home_care", euros)
            for month, euros in zip(months, used, strict=True)
        ],
        "rulebook.personal_budget_terms": [(date(2017, 1, 1), GROUP, *shares, *bounds)],
    }


@given(
    scores=SCORES,
    used=st.lists(MONEY, max_size=12),
    terms=TERMS,
    starts=STARTS,
    died=SOMETIMES,
    left=SOMETIMES,
)
def test_sql_says_what_the_rule_says(
    budget: Chain,
    scores: dict[str, int],
    used: list[Decimal],
    terms: Terms,
    starts: date,
    died: date | None,
    left: date | None,
) -> None:
    budget.run(tables(scores, used, terms, starts=starts, died=died, left=left))
    rows = budget.rows(
        "select service_code, need_month_eur, moderated_month_eur, bounded_month_eur,"
        " proposal_eur, unmoderated_eur, service_eur from mart.personal_budget_proposal order by 1"
    )
    ends = rule.accrual_end(starts, left=left, died=died)
    wanted = amounts(scores)
    if not wanted or ends == starts:
        assert rows == []
        return
    prior = rule.prior_month(sum(used, D("0.00")), len(used), terms)
    due = rule.propose(wanted, prior, terms, starts=starts, ends=ends)
    whole = (
        due.need_month_eur,
        due.moderated_month_eur,
        due.bounded_month_eur,
        due.proposal_eur,
        due.unmoderated_eur,
    )
    assert rows == [(service, *whole, euros) for service, euros in due.services.items()]
    assert sum(due.services.values()) == due.proposal_eur


@given(
    scores=st.fixed_dictionaries({s: st.integers(*SCALES[s]) for s in RAI}),
    scale=st.sampled_from(RAI),
    prior=st.none() | MONEY,
    terms=TERMS,
)
def test_more_need_never_gives_less(
    scores: dict[str, int], scale: str, prior: Decimal | None, terms: Terms
) -> None:
    more = scores | {scale: min(scores[scale] + 1, SCALES[scale][1])}
    year = {"starts": date(2017, 1, 1), "ends": date(2018, 1, 1)}
    little, much = amounts(scores), amounts(more)
    assert all(much[service] >= euros for service, euros in little.items())
    if little:
        before = rule.propose(little, prior, terms, **year)
        assert rule.propose(much, prior, terms, **year).proposal_eur >= before.proposal_eur


@given(scores=SCORES, prior=MONEY, terms=TERMS, starts=STARTS, days=st.integers(0, 364))
def test_equal_need_gives_equal_budgets_but_for_the_step_of_prior_use(
    scores: dict[str, int], prior: Decimal, terms: Terms, starts: date, days: int
) -> None:
    wanted = amounts(scores)
    if not wanted:
        return
    ends = min(starts + timedelta(days=days), date(starts.year + 1, 1, 1))
    drawn = rule.propose(wanted, prior, terms, starts=starts, ends=ends)
    plain = rule.propose(wanted, None, terms, starts=starts, ends=ends)
    assert drawn.unmoderated_eur == plain.unmoderated_eur == plain.proposal_eur
    unmoved = replace(terms, moderation_share=D(0))
    assert rule.propose(wanted, prior, unmoved, starts=starts, ends=ends).proposal_eur == (
        plain.proposal_eur
    )


@given(month=MONEY, starts=STARTS, died=SOMETIMES, left=SOMETIMES)
def test_nothing_accrues_from_the_day_after_death_or_the_day_of_leaving(
    month: Decimal, starts: date, died: date | None, left: date | None
) -> None:
    ends = rule.accrual_end(starts, died=died, left=left)
    assert starts <= ends <= date(starts.year + 1, 1, 1)
    if died is not None and died >= starts:
        assert ends <= died + timedelta(days=1)
    if left is not None and left > starts:
        assert ends <= left
    assert rule.of_days(month, starts, ends) <= month * 12
    assert rule.of_days(month, starts, starts) == 0
