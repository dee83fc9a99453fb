"""How long the ledger of personal budgets takes to rebuild, for a trial, a county and a country.

Core is made by hand, so that nothing but the ledger is timed: every client has budgets for two
services, and each of them two payments a month for a year, every fourth of a reservation.

Here: that lake and the builds. Not here: what a ledger holds (`sql/mart/personal_budget_ledger`).
"""

from __future__ import annotations

import resource
import time
from pathlib import Path

from dagster_project import pipeline
from dagster_project.lake import builds
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import Session
from dagster_project.settings import Settings
from dagster_project.vault.keys import create_keyring

MODELS = ("core.voucher_entry", "core.voucher_overrun", "mart.personal_budget_ledger")
_PAYMENTS = 24
"""Of a budget, in a year."""


def measure(work: Path, *, clients: int) -> list[tuple[str, str]]:
    """Seconds of building the ledger whole, and the most memory held."""
    keys = work / f"budgets_{clients}.keys"
    create_keyring(keys)
    settings = Settings(home=work / f"budgets_{clients}", keys=keys)
    with pipeline.open_session(settings) as session:
        lines = _make_core(session.lake, clients)
        started = time.perf_counter()
        rows = [_build(session, name) for name in MODELS]
        seconds = time.perf_counter() - started
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return [
        (
            f"ledger of personal budgets, {clients} clients, {lines} lines",
            f"{seconds:.2f} s; {rows[-1]} rows; {peak:.1f} GB resident",
        )
    ]


def _build(session: Session, name: str) -> int:
    graph = session.definition.graph
    builds.build_model(session.lake, graph, graph.model(name), session.run)
    return session.lake.count(f"select count(*) from {name}")


def _make_core(lake: Lake, clients: int) -> int:
    """Decisions and lines; returns how many lines."""
    made = {
        "budget_decision": _decisions(clients),
        "voucher_transaction": _lines(),
        "voucher_statement": "select date '2017-01-01' as booked_month, true as is_reconciled",
    }
    for name, sql in made.items():
        lake.execute(f"create or replace table lake.core.{name} as {sql}")
    lake.execute(
        "insert into lake.ops.delivery values ('smartum', 'transactions', 201712, '', '1.0.0', 0,"
        " 0, 0, 0, 0, 201711, date '2017-12-31', timestamp '2018-01-05', 'bench')"
    )
    return lake.count("select count(*) from core.voucher_transaction")


def _decisions(clients: int) -> str:
    return (
        "select cast(2 * c + s + 1 as bigint) as budget_decision_id,"
        " cast(hash(c) // 2 as bigint) as person_id, cast(1 + c % 6 as varchar)"
        " as budget_group_code, ['home_care', 'cleaning'][1 + s] as service_code,"
        " cast(2400 as decimal(18, 2)) as granted_eur, date '2017-01-01' as valid_from_date,"
        " date '2018-01-01' as valid_to_date, date '2016-12-10' as decided_date,"
        " 201701::bigint as known_from_seq, null::bigint as known_to_seq"
        f" from (select unnest(range({clients})) as c), (select unnest([0, 1]) as s)"
    )


def _lines() -> str:
    """Of each budget: payment n, and before every fourth its reservation."""
    kind, number = "['payment', 'reservation'][1 + r]", "budget_decision_id * 100 + 2 * n"
    day = "date '2017-01-05' + cast(15 * n as integer)"
    return (
        f"select {number} + r as transaction_id, person_id, budget_decision_id, service_code,"
        f" {kind} as transaction_kind_code, cast(50 + n as decimal(18, 2)) as amount_eur,"
        " cast(n % 3 as decimal(18, 2)) as client_share_eur, case when n % 4 = 0 and r = 0"
        f" then {number} + 1 end as refers_to_transaction_id,"
        f" cast({day} as timestamp) - to_hours(r) as booked_at, cast({day} - r as date)"
        " as booked_date, 'matched' as budget_match_code, case when n % 4 = 0 and r = 0"
        " then 'found' end as reference_match_code, 201701::bigint as delivery_sequence"
        f" from lake.core.budget_decision, (select unnest(range({_PAYMENTS})) as n),"
        " (select unnest([0, 1]) as r) where r = 0 or n % 4 = 0"
    )
