"""Scores and their worth: SQL against the rule in plain Python, and what must hold of any score.

Here: random providers, weights, values and states. Not here: cases by hand (`tests/spec`).
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Any

import duckdb
import pytest
from hypothesis import assume, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dagster_project.incentive_worth import QUERY
from dagster_project.lake.ledger import FROZEN_TABLES
from dagster_project.pipeline import load_definition
from dagster_project.rules import incentive
from dagster_project.rules.incentive import Item, Scored, State, Terms
from dagster_project.rules.rounding import half_up_of_fraction
from dagster_project.settlement.bench import query
from tests.support.incentives import CONTRIBUTION_TABLES, PERIODS, VALUE_TABLES, VERSION
from tests.support.models import Bench, bench
from tests.support.settling import CORE

PROFILE = hypothesis_settings.get_profile(hypothesis_settings.get_current_profile_name())
FEW = hypothesis_settings(PROFILE, max_examples=max(2, PROFILE.max_examples // 5))
D = Decimal
STEP = D("0.00000001")
SCORE_SQL = load_definition().graph.model("mart.incentive_score").sql


@dataclass(frozen=True)
class Drawn:
    """An indicator as drawn: its scale, and what a provider had in two periods."""

    weight: int
    floor: Decimal
    target: Decimal
    value: Decimal
    earlier: Decimal | None
    state: State
    by_provider: bool

    def part(self, value: Decimal) -> Decimal:
        return incentive.part_of(value, floor=self.floor, target=self.target)


VALUES = st.integers(-2_000_000, 2_000_000).map(lambda n: D(n) / 10_000) | st.sampled_from(
    [D(0), D(50), D(75), D(100)]
)
DRAWN = st.builds(
    Drawn,
    weight=st.integers(1, 100),
    floor=VALUES,
    target=VALUES,
    value=VALUES,
    earlier=st.none() | VALUES,
    state=st.sampled_from([*State, State.MEASURED, State.MEASURED]),
    by_provider=st.booleans(),
).filter(lambda drawn: drawn.floor != drawn.target)
INDICATORS = st.lists(DRAWN, min_size=1, max_size=6)
TERMS = st.builds(
    Terms,
    neutral_score=st.sampled_from([D("0.5"), D("0.3"), D("0.77777777")]),
    bonus_share=st.sampled_from([D("0.05"), D("1"), D("0.03333333"), D(0)]),
    sanction_share=st.sampled_from([D("0.05"), D("0.02")]),
    minimum_weight=st.sampled_from([D(0), D("0.5"), D("0.9")]),
)


def shares(drawn: list[Drawn]) -> list[Decimal]:
    """Weights that sum to 1, to eight decimals."""
    whole = sum(d.weight for d in drawn)
    found = [half_up_of_fraction(Fraction(d.weight, whole), STEP) for d in drawn]
    return [*found[:-1], 1 - sum(found[:-1], D(0))]


def items(drawn: list[Drawn]) -> list[Item]:
    return [
        Item(
            indicator_id=f"i{n}",
            weight=weight,
            state=d.state,
            part=d.part(d.value) if d.state is State.MEASURED else None,
            last_part=None if d.earlier is None else d.part(d.earlier),
            is_reported_by_provider=d.by_provider,
        )
        for n, (d, weight) in enumerate(zip(drawn, shares(drawn), strict=True))
    ]


@pytest.fixture(scope="module")
def contribution() -> Bench:
    return bench("mart.incentive_contribution", CONTRIBUTION_TABLES)


def tables(drawn: list[Drawn], terms: Terms, provider: str = "Y1") -> dict[str, Any]:
    numbered = list(enumerate(zip(drawn, shares(drawn), strict=True)))
    first, second = PERIODS[:2]
    return {
        "rulebook.incentive_scheme": [
            (VERSION, "S", "reception", terms.neutral_score, terms.bonus_share,
             terms.sanction_share, terms.minimum_weight, False)
        ],
        "rulebook.incentive_weight": [(VERSION, "S", f"i{n}", w) for n, (_, w) in numbered],
        "rulebook.indicator_scale": [
            (VERSION, f"i{n}", d.floor, d.target, d.target) for n, (d, _) in numbered
        ],
        "mart.indicator_value": [
            (provider, "reception", f"i{n}", first[0], first[1], False, d.earlier, "measured",
             "lake")
            for n, (d, _) in numbered if d.earlier is not None
        ] + [
            # Of another service: no figure of this one, nor what was before it.
            (provider, "dental", f"i{n}", start, end, False, d.value, "measured", "lake")
            for n, (d, _) in numbered for start, end, _ in (first, second)
        ] + [
            (provider, "reception", f"i{n}", second[0], second[1], False,
             d.value if d.state is State.MEASURED else None, str(d.state),
             "provider" if d.by_provider else "lake")
            for n, (d, _) in numbered
        ],
    }  # fmt: skip


def by_sql(on: Bench, drawn: list[Drawn], terms: Terms, provider: str = "Y1") -> dict[str, Any]:
    rows = on.run(tables(drawn, terms, provider))
    return {r["indicator_id"]: r for r in rows if r["period_start_date"] == PERIODS[1][0]}


def rounded(scored: Scored, name: str) -> tuple[Any, ...]:
    """What SQL is to say of an indicator."""
    part = scored.parts.get(name)
    if scored.score is None or part is None:
        return (None, None)
    effective = scored.effective_weights[name]
    product = effective * Fraction(part)
    return (half_up_of_fraction(effective, STEP), half_up_of_fraction(product, STEP))


@given(drawn=INDICATORS, terms=TERMS)
def test_sql_scores_as_the_rule_does(contribution: Bench, drawn: list[Drawn], terms: Terms) -> None:
    found, scored = (
        by_sql(contribution, drawn, terms),
        incentive.score(items(drawn), terms.minimum_weight),
    )
    assert found.keys() == {f"i{n}" for n in range(len(drawn))}
    for name, row in found.items():
        assert (row["effective_weight"], row["score_contribution"]) == rounded(scored, name)
        assert row["measured_weight"] == scored.measured_weight
        score = None if scored.score is None else half_up_of_fraction(scored.score, STEP)
        assert row["score"] == score


@FEW
@given(drawn=INDICATORS, terms=TERMS)
def test_sql_states_the_share_that_a_score_adds_or_takes(
    contribution: Bench, drawn: list[Drawn], terms: Terms
) -> None:
    contribution.run(tables(drawn, terms))
    on = contribution.connection
    on.execute(f"create or replace table mart.incentive_contribution as {contribution.sql}")
    states = [d.state for d in drawn]
    ((score, share, *counts),) = on.execute(
        "select score, share_of_capitation, indicator_count, counted_indicator_count,"
        " overdue_count, too_small_count, unreliable_count"
        f" from ({SCORE_SQL}) where period_start_date = ?",
        [PERIODS[1][0]],
    ).fetchall()
    scored = incentive.score(items(drawn), terms.minimum_weight)
    of_states = (State.OVERDUE, State.TOO_SMALL, State.UNRELIABLE)
    assert counts == [len(drawn), len(scored.parts), *(states.count(s) for s in of_states)]
    assert (score is None) == (share is None) == (scored.score is None)
    if scored.score is not None:
        assert abs(float(share) - float(incentive.share_of_capitation(scored.score, terms))) < 1e-7


@FEW
@given(drawn=INDICATORS, terms=TERMS)
def test_relabelling_a_provider_changes_nothing(
    contribution: Bench, drawn: list[Drawn], terms: Terms
) -> None:
    def without_name(provider: str) -> dict[str, Any]:
        found = by_sql(contribution, drawn, terms, provider)
        return {n: {k: v for k, v in r.items() if k != "provider_id"} for n, r in found.items()}

    assert without_name("Y1") == without_name("A9")


@given(drawn=INDICATORS)
def test_effective_weights_sum_to_one(drawn: list[Drawn]) -> None:
    scored = incentive.score(items(drawn), D(0))
    assert scored.score is None or sum(scored.effective_weights.values()) == 1


@given(drawn=INDICATORS, number=st.integers(0, 5), better=VALUES)
def test_a_better_value_never_lowers_the_score(
    drawn: list[Drawn], number: int, better: Decimal
) -> None:
    n = number % len(drawn)
    one = replace(drawn[n], state=State.MEASURED)
    way = 1 if one.target > one.floor else -1
    assume((better - one.value) * way >= 0)
    before, after = (
        incentive.score(items([*drawn[:n], changed, *drawn[n + 1 :]]), D(0)).score
        for changed in (one, replace(one, value=better))
    )
    assert before is not None
    assert after is not None
    assert after >= before


@given(
    drawn=INDICATORS,
    number=st.integers(0, 5),
    terms=TERMS,
    kept_back=st.sampled_from([State.OVERDUE, State.UNRELIABLE]),
)
def test_withholding_or_calling_unfit_never_raises_what_is_paid(
    drawn: list[Drawn], number: int, terms: Terms, kept_back: State
) -> None:
    """What the provider keeps back of its own counts at the floor, and still counts as weight."""
    n = number % len(drawn)
    one = replace(drawn[n], state=State.MEASURED, by_provider=True)
    told, withheld = (
        incentive.score(items([*drawn[:n], changed, *drawn[n + 1 :]]), terms.minimum_weight)
        for changed in (one, replace(one, state=kept_back))
    )
    assert withheld.measured_weight == told.measured_weight
    assert (withheld.score is None) == (told.score is None)
    if told.score is not None and withheld.score is not None:
        assert withheld.score <= told.score
        paid = [sum(incentive.worth(s, terms, D(100_000)).values()) for s in (withheld, told)]
        assert paid[0] <= paid[1]


@pytest.fixture(scope="module")
def ledger(contribution: Bench) -> duckdb.DuckDBPyConnection:
    """The ledger's tables beside those that the model reads."""
    connection = contribution.connection
    for table, month in (("line", "settlement_month"), ("adjustment", "corrected_month")):
        connection.execute(
            f"create table mart.capitation_{table} (capitation_run_id bigint, provider_id varchar,"
            f" {month} date, line_kind_code varchar, is_shadow boolean, amount_eur decimal(18,2))"
        )
    connection.execute(
        "create table mart.capitation_run (capitation_run_id bigint, service_code varchar)"
    )
    connection.execute("insert into mart.capitation_run values (1, 'reception'), (2, 'dental')")
    return connection


@given(drawn=INDICATORS, terms=TERMS, cents=st.integers(0, 10**12))
def test_sql_is_worth_what_the_rule_says(
    contribution: Bench,
    ledger: duckdb.DuckDBPyConnection,
    drawn: list[Drawn],
    terms: Terms,
    cents: int,
) -> None:
    contribution.run(tables(drawn, terms))
    ledger.execute(f"create or replace table mart.incentive_contribution as {contribution.sql}")
    paid, start = D(cents) / 100, PERIODS[1][0]
    lines = [
        (1, "Y1", start, "capitation", D(7)),
        (1, "Y1", PERIODS[1][1].replace(day=1), "capitation", paid),
        (1, "Y1", start, "act", D(999)),
        (1, "Y1", start, "incentive", D(999)),
        (1, "Y1", PERIODS[0][0], "capitation", D(999)),
        (1, "Y2", start, "capitation", D(999)),
        (2, "Y1", start, "capitation", D(999)),
    ]
    corrections = [
        (1, "Y1", start, "breakpoint", D(-7)),
        (1, "Y1", PERIODS[0][0], "capitation", D(999)),
        (1, "Y1", start, "act", D(999)),
    ]
    for table, entries in (("line", lines), ("adjustment", corrections)):
        ledger.execute(f"delete from mart.capitation_{table}")
        ledger.executemany(
            f"insert into mart.capitation_{table} values (?, ?, ?, ?, false, ?)", entries
        )
    found = ledger.execute(
        QUERY.read_text("utf-8"),
        {"period_start_date": start, "begin_date": start, "end_date": PERIODS[2][0]},
    ).fetchall()
    scored = incentive.score(items(drawn), terms.minimum_weight)
    assert {row[2]: row[-1] for row in found} == incentive.worth(scored, terms, paid)
    assert {row[-2] for row in found} <= {paid}


@pytest.fixture(scope="module")
def posting() -> duckdb.DuckDBPyConnection:
    """The working tables that a period is posted from."""
    connection = duckdb.connect(config={"threads": 1})
    connection.execute("create schema settle; create schema mart; create schema core")
    connection.execute("create schema ledger")
    connection.execute(f"create table ledger.frozen_score ({FROZEN_TABLES['frozen_score']})")
    contribution, period = CORE["mart.incentive_contribution"], CORE["core.indicator_period"]
    connection.execute(f"create table mart.incentive_contribution ({contribution})")
    connection.execute(f"create table core.indicator_period ({period})")
    connection.executemany(
        "insert into core.indicator_period values (?, ?)", [p[:2] for p in PERIODS]
    )
    connection.execute(
        "create table settle.settled_sum (list_month date, line_kind_code varchar,"
        " provider_id varchar, is_shadow boolean, amount_eur decimal(18,2))"
    )
    connection.execute(
        "create table settle.adjustment (corrected_month date, line_kind_code varchar,"
        " provider_id varchar, is_shadow boolean, amount_eur decimal(18,2))"
    )
    return connection


def post(
    posting: duckdb.DuckDBPyConnection, lists: list[tuple[Scored, Decimal]], terms: Terms
) -> dict[str, Decimal]:
    """Euros by provider that are posted of the first period, in October; providers are numbered."""
    start = PERIODS[0][0]
    posting.execute("delete from mart.incentive_contribution; delete from settle.settled_sum")
    for n, (scored, paid) in enumerate(lists):
        rate = (terms.neutral_score, terms.bonus_share, terms.sanction_share)
        for name, effective in scored.effective_weights.items():
            weight = half_up_of_fraction(effective * Fraction(scored.measured_weight), STEP)
            posting.execute(
                "insert into mart.incentive_contribution values"
                " (?, 'reception', ?, false, ?, ?, 1, ?, ?, ?, true)",
                [f"Y{n}", start, weight, scored.parts[name], *rate],
            )
        posting.execute(
            "insert into settle.settled_sum values (?, 'capitation', ?, false, ?)",
            [start, f"Y{n}", paid],
        )
    values = {"service_code": "reception", "list_month": date(2017, 10, 1)}
    values |= {"rulebook_id": "R", "capitation_run_id": 6}
    posting.execute(f"create or replace table settle.score as {query('score')}", values)
    rows = posting.execute(query("score_adjustment")).fetchall()
    return {row[2]: row[-1] for row in rows}


@given(
    several=st.lists(st.tuples(INDICATORS, st.integers(0, 10**11)), min_size=1, max_size=4),
    terms=TERMS,
)
def test_what_is_posted_is_what_the_rule_says(
    posting: duckdb.DuckDBPyConnection,
    several: list[tuple[list[Drawn], int]],
    terms: Terms,
) -> None:
    """With budget neutrality over all, to the cent."""
    drawn = [(incentive.score(items(d), terms.minimum_weight), D(c) / 100) for d, c in several]
    lists = [(scored, paid) for scored, paid in drawn if scored.score is not None]
    amounts = {
        f"Y{n}": sum(incentive.worth(scored, terms, paid).values(), D(0))
        for n, (scored, paid) in enumerate(lists)
    }
    shared = incentive.neutral_adjustments(amounts, {f"Y{n}": p for n, (_, p) in enumerate(lists)})
    due = {name: amounts[name] + shared[name] for name in amounts}
    assert post(posting, lists, terms) == {name: eur for name, eur in due.items() if eur}


@FEW
@given(
    several=st.lists(st.tuples(INDICATORS, st.integers(0, 10**11)), min_size=2, max_size=4),
    terms=TERMS,
    names=st.permutations(range(4)),
)
def test_relabelling_providers_moves_no_cent(
    posting: duckdb.DuckDBPyConnection,
    several: list[tuple[list[Drawn], int]],
    terms: Terms,
    names: list[int],
) -> None:
    """Budget neutrality's too; those who are alike in all may change places."""
    scored = [(incentive.score(items(d), D(0)), D(cents) / 100) for d, cents in several]
    lists = [one for one in scored if one[0].score is not None]
    named = [n for n in names if n < len(lists)]
    first, second = post(posting, lists, terms), post(posting, [lists[n] for n in named], terms)

    def told(found: dict[str, Decimal], order: list[int]) -> list[tuple[Decimal, ...]]:
        return sorted(
            (lists[n][1], sum(incentive.worth(lists[n][0], terms, lists[n][1]).values(), D(0)),
             found.get(f"Y{position}", D(0)))
            for position, n in enumerate(order)
        )  # fmt: skip

    assert told(first, [*range(len(lists))]) == told(second, named)


@pytest.fixture(scope="module")
def values() -> Bench:
    return bench("mart.indicator_value", VALUE_TABLES)


Counts = dict[tuple[str, date], int]
REPORTED = {"own": "provider", "both": "lake_or_provider", "counted": "lake"}
SHARES = st.fixed_dictionaries(
    {(name, start): st.integers(0, 100) for name in REPORTED for start, _, _ in PERIODS[:2]}
)


def shown(on: Bench, counts: Counts, declared: dict[str, str]) -> list[tuple[Any, ...]]:
    """Values of two periods, shares of 100; in the workbook of the second this is declared."""
    rows = on.run(
        {
            "effective.delivery": [("s", "t", date(2018, m, 28)) for m in (1, 2)],
            "core.reached": [(date(2018, 2, 28),)],
            "core.site": [("Y1", "reception", VERSION, None)],
            "core.indicator_period": PERIODS[:2],
            "core.scorecard_indicator": [("Y1", n, PERIODS[1][1], d) for n, d in declared.items()],
            "rulebook.indicator_service": [(name, "reception") for name in REPORTED],
            "rulebook.indicator_month": [(name, m) for name in REPORTED for m in (9, 12)],
            "rulebook.indicator_scale": [(VERSION, name, 20, 80, 100) for name in REPORTED],
            "rulebook.indicator": [
                (VERSION, name, "pct", 100, "wilson", reporter, name, 20, 30)
                for name, reporter in REPORTED.items()
            ],
            "indicator.counted": [
                (name, "Y1", "reception", start, share, 100,
                 "provider" if name == "own" else "lake")
                for (name, start), share in counts.items()
            ],
        }
    )  # fmt: skip
    kept = (
        "provider_id", "service_code", "indicator_id", "period_start_date", "period_end_date",
        "is_to_date", "value", "state_code", "reporter_code",
    )  # fmt: skip
    return [tuple(row[name] for name in kept) for row in rows]


@FEW
@given(
    counts=SHARES,
    declared=st.dictionaries(
        st.sampled_from([*REPORTED]), st.sampled_from(["unreliable", "not_scheduled"])
    ),
)
def test_no_word_of_a_provider_on_its_figures_raises_its_score(
    values: Bench, contribution: Bench, counts: Counts, declared: dict[str, str]
) -> None:
    """From workbook to score: what it calls unfit or leaves out never does better than told.

    What the lake counts stays counted, whatever the workbook says of it.
    """
    drawn = [
        Drawn(w, D(20), D(80), D(0), None, State.MEASURED, by_provider=False) for w in (3, 2, 1)
    ]
    known = tables(drawn, Terms(D("0.5"), D("0.05"), D("0.05"), D("0.5")))
    known["rulebook.incentive_weight"] = [
        (VERSION, "S", name, weight) for name, weight in zip(REPORTED, shares(drawn), strict=True)
    ]
    known["rulebook.indicator_scale"] = [(VERSION, name, 20, 80, 100) for name in REPORTED]
    second = PERIODS[1][0]
    kept = {k: v for k, v in counts.items() if k != ("own", second)}
    scores = []
    for told, words in ((counts, {}), (kept, declared)):
        known["mart.indicator_value"] = shown(values, told, words)
        rows = [r for r in contribution.run(known) if r["period_start_date"] == second]
        scores.append({r["score"] for r in rows})
        assert {r["measured_weight"] for r in rows} == {1}
    ((honest,), (silent,)) = scores
    assert silent <= honest
