"""Whatever the order in which the voucher system's deliveries come: one ledger, the sender's sums.

Here: a few deliveries with corrections, late and mended lines, in orders drawn by chance, through
landing and gate. Not here: what a ledger holds (`test_budget_ledger`), orders of other sources
(`test_arrival_order`).
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from dagster_project.lake import checks
from dagster_project.lake.check_model import Status
from dagster_project.pipeline import Definition, Session
from dagster_project.sql_models import ModelGraph
from dagster_project.vault.keys import create_keyring
from tests.support.deliveries import Row, Sent, sent
from tests.support.few_tables import few_tables
from tests.support.homes import new_settings, take_in
from tests.support.identity import code
from tests.support.quick_lake import quick_build, quick_home

PROFILE = hypothesis_settings.get_profile(hypothesis_settings.get_current_profile_name())
FEW = hypothesis_settings(
    PROFILE,
    max_examples=max(2, PROFILE.max_examples // 16),  # an example is a whole lake
    suppress_health_check=[HealthCheck.too_slow],
)
BUDGETS, TRANSACTIONS, STATEMENTS = (
    "smartum/budgets",
    "smartum/transactions",
    "smartum/statements",
)
SOURCES = (BUDGETS, TRANSACTIONS, STATEMENTS, "smartum/providers", "smartum/service_prices")
LEDGER = "mart.personal_budget_ledger"
D = Decimal


@cache
def of_ledger() -> Definition:
    """The voucher system's contracts, and what the ledger and its statement rest on."""
    whole = few_tables(*SOURCES)
    wanted, found = [LEDGER, "core.voucher_statement"], set()
    while wanted:
        name = wanted.pop()
        found.add(name)
        wanted += whole.graph.upstream_models(whole.graph.model(name))
    models = tuple(m for m in whole.graph.models if m.full_name in found)
    prints = {m.full_name: whole.graph.fingerprints[m.full_name] for m in models}
    graph = ModelGraph(models, prints)
    return Definition(whole.catalogue, whole.rulebooks, graph, whole.outputs)


def budget(granted: str, saved: int, **others: Any) -> Row:
    row: dict[str, Any] = {
        "budget_decision_id": 5,
        "person_id": code(0),
        "budget_group_code": "1",
        "service_code": "cleaning",
        "hb_class_code": "2",
        "granted_eur": D(granted),
        "valid_from_date": date(2017, 1, 1),
        "valid_to_date": date(2018, 1, 1),
        "decided_date": date(2016, 12, 10),
        "appeal_end_date": date(2017, 1, 16),
        "decision_maker_code": "VH1000",
        "budget_state_code": "in_force",
        "updated_at": datetime(2017, saved, 3, 9),
    }
    return row | others


def line(number: int, kind: str, euros: str, booked: datetime, **others: Any) -> Row:
    row: dict[str, Any] = {
        "transaction_id": number,
        "person_id": code(0),
        "budget_decision_id": 5,
        "voucher_provider_id": "PT0001",
        "service_code": "cleaning",
        "unit_code": "hour",
        "quantity": D("1.00"),
        "unit_price_eur": abs(D(euros)),
        "amount_eur": D(euros),
        "client_share_eur": D("0.00"),
        "transaction_kind_code": kind,
        "service_date": booked.date(),
        "booked_at": booked,
        "updated_at": booked,
    }
    return row | others


def stated(month: int, drawn: int, **kinds: tuple[int, str]) -> list[Row]:
    return [
        {
            "month_start_date": date(2017, month, 1),
            "transaction_kind_code": kind,
            "transaction_count": count,
            "amount_eur": D(euros),
            "client_share_eur": D("0.00"),
            "updated_at": datetime(2017, drawn, 28, 21),
        }
        for kind, (count, euros) in kinds.items()
    ]


MENDED = line(
    2, "payment", "80.00", datetime(2017, 1, 20, 10), refers_to_transaction_id=1,
    updated_at=datetime(2017, 2, 2, 10),
)  # fmt: skip
DELIVERIES = (
    sent(BUDGETS, 201701, budget("600.00", 1)),
    sent(
        BUDGETS, 201702,
        budget("900.00", 2, budget_state_code="changed", decided_date=date(2017, 2, 1),
               appeal_end_date=date(2017, 3, 10)),
    ),
    sent(
        TRANSACTIONS, 201701,
        line(1, "reservation", "100.00", datetime(2017, 1, 9, 10)),
        line(2, "payment", "90.00", datetime(2017, 1, 20, 10), refers_to_transaction_id=1),
    ),
    sent(
        TRANSACTIONS, 201702,
        MENDED,
        line(3, "payment", "40.00", datetime(2017, 1, 30, 10)),  # late
        line(4, "payment", "70.00", datetime(2017, 2, 6, 10), budget_decision_id=77),
    ),
    sent(
        TRANSACTIONS, 201703,
        line(5, "reversal", "-40.00", datetime(2017, 3, 6, 10), refers_to_transaction_id=3),
        line(6, "return", "-10.00", datetime(2017, 3, 7, 10), refers_to_transaction_id=2),
    ),
    sent(STATEMENTS, 201701, *stated(1, 1, reservation=(1, "100.00"), payment=(2, "130.00"))),
    sent(
        STATEMENTS, 201702,
        *stated(1, 2, reservation=(1, "100.00"), payment=(2, "120.00")),
        *stated(2, 2, payment=(1, "70.00")),
    ),
    sent(STATEMENTS, 201703, *stated(3, 3, reversal=(1, "-40.00"), **{"return": (1, "-10.00")})),
)  # fmt: skip
DUE = [
    (5, 1, D("600.00"), D("0.00"), D("120.00"), D("0.00"), D("480.00")),
    (5, 2, D("900.00"), D("0.00"), D("120.00"), D("0.00"), D("780.00")),
    (5, 3, D("900.00"), D("0.00"), D("80.00"), D("10.00"), D("830.00")),
    (None, 2, D("0.00"), D("0.00"), D("70.00"), D("0.00"), D("-70.00")),
]


@pytest.fixture(scope="module")
def keys(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("keys") / "keys"
    create_keyring(path)
    return path


def hold(session: Session) -> None:
    """Every blocking check of what is installed holds."""
    for one in checks.due_checks(session.definition.catalogue, session.definition.graph):
        result = checks.evaluate(session.lake, one)
        assert not result.is_blocking, (one.id, result.status, result.violated)


@FEW
@given(order=st.permutations(DELIVERIES), pause=st.integers(1, len(DELIVERIES) - 1))
def test_any_order_of_deliveries_gives_one_ledger_and_the_senders_totals(
    keys: Path, order: Sequence[Sent], pause: int
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        settings = new_settings(Path(folder), keys=keys)
        with quick_home(settings, of_ledger()) as session:
            for number, delivery in enumerate(order):
                assert not take_in(session, delivery).refusals
                if number == pause:  # what is built on the way does not matter, and is sound too
                    quick_build(session)
                    hold(session)
            quick_build(session)
            hold(session)
            rows = session.lake.rows(
                "select budget_decision_id, month(budget_month), granted_eur, reserved_eur,"
                f" paid_eur, returned_eur, remaining_eur from {LEDGER} order by all"
            )
            assert rows == DUE
            by_id = {c.id: c for c in checks.all_checks(session.definition.catalogue)}
            equal = by_id["voucher_statement.ledger_equals_statement"]
            assert checks.evaluate(session.lake, equal).status is Status.PASS
