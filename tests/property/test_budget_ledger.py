"""The ledger of personal budgets: SQL against the rule in plain Python, and what must always hold.

Here: random decisions and lines. Not here: cases by hand (`tests/spec/test_budget_ledger`).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dagster_project.rules.budget_ledger import Account, Balance, Grant, Line, balances
from tests.support import budgets
from tests.support.budgets import JAN, MAR, D, decision, delivered, ledger_chain
from tests.support.model_chain import Chain

PROFILE = hypothesis_settings.get_profile(hypothesis_settings.get_current_profile_name())
FEW = hypothesis_settings(PROFILE, max_examples=max(2, PROFILE.max_examples // 3))
MONTH_ENDS = (date(2017, 1, 31), date(2017, 2, 28), date(2017, 3, 31))
BUDGETS = {5: (7, "cleaning"), 6: (7, "meals"), 8: (9, "cleaning")}
KINDS = ("reservation", "payment", "payment", "return", "correction", "reversal")
CENTS = st.integers(1, 50_000).map(lambda cents: D(cents) / 100)
DAYS = st.integers(0, 89).map(lambda days: date(2017, 1, 1) + timedelta(days=days))


@dataclass(frozen=True)
class Drawn:
    """Decisions as granted and raised, and lines of them."""

    grants: tuple[tuple[int, Decimal, Decimal | None, date], ...]
    """Number, euros, euros after a raise or cut, and the day of that."""
    lines: tuple[Line, ...]


@st.composite
def ledgers(draw: st.DrawFn) -> Drawn:
    """A few decisions and up to a dozen lines, some of which are about earlier ones of a client."""
    grants = tuple((number, draw(CENTS), draw(st.none() | CENTS), draw(DAYS)) for number in BUDGETS)
    lines: list[Line] = []
    for number in range(1, draw(st.integers(0, 12)) + 1):
        person, service = BUDGETS[named := draw(st.sampled_from([*BUDGETS]))]
        held = draw(st.sampled_from([named, named, None]))
        kind = draw(st.sampled_from(KINDS))
        euros = draw(CENTS)
        earlier = [line.transaction_id for line in lines if line.account.person_id == person]
        account = Account(person, service, held)
        about = draw(st.none() | st.sampled_from(earlier)) if earlier else None
        sign = -1 if kind in ("return", "correction", "reversal") else 1
        share = draw(st.sampled_from([D("0.00"), D("1.25")])) * sign
        lines.append(Line(number, account, kind, sign * euros, share, draw(DAYS), about))
    return Drawn(grants, tuple(lines))


def posted(drawn: Drawn) -> list[Grant]:
    found = []
    for number, euros, raised, day in drawn.grants:
        account = Account(*BUDGETS[number], number)
        found.append(Grant(account, euros, date(2017, 1, 1)))
        if raised is not None:
            found.append(Grant(account, raised - euros, day))
    return found


def rows_of(drawn: Drawn) -> dict[str, list[tuple[object, ...]]]:
    decisions = []
    for number, euros, raised, day in drawn.grants:
        person, service = BUDGETS[number]
        about = {"person_id": person, "service_code": service}
        until = None if raised is None else MAR
        decisions.append(decision(number, str(euros), known_to_seq=until, **about))
        if raised is not None:
            decisions.append(
                decision(number, str(raised), known_from_seq=MAR, decided_date=day, **about)
            )
    lines = [
        budgets.line(
            one.transaction_id,
            one.kind,
            str(one.amount_eur),
            one.booked_date,
            person_id=one.account.person_id,
            service_code=one.account.service_code,
            budget_decision_id=one.account.budget_decision_id,
            budget_match_code="matched" if one.account.budget_decision_id else "none",
            client_share_eur=one.client_share_eur,
            refers_to_transaction_id=one.refers_to,
            delivery_sequence=JAN,
        )
        for one in drawn.lines
    ]
    return {
        "core.budget_decision": decisions,
        "core.voucher_transaction": lines,
        "effective.delivery": delivered(MONTH_ENDS[-1]),
    }


@pytest.fixture(scope="module")
def ledger() -> Chain:
    return ledger_chain()


def in_sql(ledger: Chain, month_end: date) -> dict[Account, Balance]:
    """Balances of a month: a budget without a row then is not opened yet, or is over."""
    rows = ledger.rows(
        "select person_id, service_code, budget_decision_id, granted_eur, reserved_eur, paid_eur,"
        " returned_eur, client_share_eur from mart.personal_budget_ledger where budget_month ="
        f" date '{month_end.replace(day=1)}'"
    )
    return {Account(*row[:3]): Balance(*row[3:]) for row in rows}


@given(drawn=ledgers(), flipped=st.booleans())
def test_sql_says_what_the_rule_says_at_every_months_end(
    ledger: Chain, drawn: Drawn, flipped: bool
) -> None:
    tables = rows_of(drawn)
    if flipped:  # the order in which rows come is nothing to the ledger
        tables["core.voucher_transaction"].reverse()
        tables["core.budget_decision"].reverse()
    ledger.run(tables)
    for month_end in MONTH_ENDS:
        due = dict(balances(posted(drawn), drawn.lines, month_end))
        found = in_sql(ledger, month_end)
        # Beside all budgets an account has rows for the months between its lines alone.
        with_budget = {a: b for a, b in due.items() if a.budget_decision_id is not None}
        assert {a: b for a, b in found.items() if a in with_budget} == with_budget
        assert all(due[account] == balance for account, balance in found.items())


@FEW
@given(drawn=ledgers())
def test_whatever_is_booked_balances_and_adds_up_to_the_senders_total(
    ledger: Chain, drawn: Drawn
) -> None:
    ledger.run(rows_of(drawn))
    for table in ("core.voucher_entry", "mart.personal_budget_ledger"):
        assert ledger.rows(
            f"select count(*) from {table}"
            " where granted_eur <> reserved_eur + paid_eur - returned_eur + remaining_eur"
        ) == [(0,)]
    total = sum((line.amount_eur for line in drawn.lines), D("0.00"))
    shares = sum((line.client_share_eur for line in drawn.lines), D("0.00"))
    assert ledger.rows(
        "select coalesce(sum(reserved_eur + paid_eur - returned_eur), 0),"
        " coalesce(sum(client_share_eur), 0) from core.voucher_entry"
        " where entry_kind_code = 'line'"
    ) == [(total, shares)]


@FEW
@given(drawn=ledgers())
def test_what_is_flagged_beyond_a_budget_is_what_exceeds_it(ledger: Chain, drawn: Drawn) -> None:
    """Of one budget, where nothing comes back: the excess is all that its lines take too much."""
    lines = tuple(
        line
        for line in drawn.lines
        if line.kind == "payment" and line.refers_to is None and line.account.budget_decision_id
    )
    ledger.run(rows_of(Drawn(drawn.grants, lines)))
    for number, euros, raised, _ in drawn.grants:
        spent = sum(
            (one.amount_eur for one in lines if one.account.budget_decision_id == number), D(0)
        )
        granted = euros if raised is None else raised
        assert ledger.rows(
            "select coalesce(sum(excess_eur), 0) from mart.voucher_worklist"
            f" where reason_code = 'beyond_budget' and budget_decision_id = {number}"
        ) == [(max(spent - granted, D(0)),)]
