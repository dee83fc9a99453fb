"""The most that two persons may hold of a payment, by hand: what its disclosure is judged by.

Here: `sql/publish/capitation_payment.sql`. Not here: the judgment (`test_disclosure`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from dagster_project.lake.ledger import FROZEN_TABLES, PAYMENT_TABLES
from dagster_project.settings import PROJECT_ROOT

QUERY = (PROJECT_ROOT / "sql" / "publish" / "capitation_payment.sql").read_text(encoding="utf-8")
TABLES = PAYMENT_TABLES | {name: FROZEN_TABLES[name] for name in ("frozen_act", "frozen_act_fee")}
MAY = date(2017, 5, 1)
OF_THE_RUN = {
    "capitation_run_id": 1,
    "rulebook_id": "dental",
    "settlement_month": MAY,
    "list_month": MAY,
    "corrected_month": MAY,
    "version_date": MAY,
    "provider_id": "P1",
    "is_shadow": False,
    "month_days": 31,
    "year_days": 365,
}


def put(connection: duckdb.DuckDBPyConnection, table: str, **given: Any) -> None:
    """A row; what a test does not give is empty, 0 or of the run."""
    described = connection.execute(f"describe release.{table}").fetchall()
    values = [
        given.get(name, OF_THE_RUN.get(name, None if null == "YES" else _nothing(kind)))
        for name, kind, null, *_ in described
    ]
    marks = ", ".join("?" * len(values))
    connection.execute(f"insert into release.{table} values ({marks})", values)


def _nothing(kind: str) -> object:
    if kind in ("DATE", "TIMESTAMP"):
        return MAY
    return "" if kind == "VARCHAR" else 0


def top_two(*rows: tuple[str, dict[str, Any]]) -> Decimal:
    with duckdb.connect() as connection:
        connection.execute("create schema release")
        for name, columns in TABLES.items():
            connection.execute(f"create table release.{name} ({columns})")
        put(connection, "capitation_run")
        put(connection, "capitation_payment", amount_eur=Decimal(10_000))
        for table, given in rows:
            put(connection, table, **given)
        (found,) = connection.execute(f"select top_two_eur from ({QUERY})").fetchall()
    return Decimal(found[0])


def line(kind: str, rate: str, amount: str) -> tuple[str, dict[str, Any]]:
    given = {"rate_eur": Decimal(rate), "amount_eur": Decimal(amount)}
    return "capitation_line", {"line_kind_code": kind, **given}


def act(person: int | None, count: int) -> tuple[str, dict[str, Any]]:
    return "frozen_act", {"person_id": person, "procedure_code": "SPAT1", "act_count": count}


def correction(kind: str, amount: str) -> tuple[str, dict[str, Any]]:
    return "capitation_adjustment", {"line_kind_code": kind, "amount_eur": Decimal(amount)}


FEE = ("frozen_act_fee", {"procedure_code": "SPAT1", "fee_eur": Decimal(50)})


@pytest.mark.parametrize(
    ("rows", "due"),
    [
        # Two whole months at the dearest rate: 2 × 730 × 31 / 365.
        ([line("capitation", "365", "5000"), line("capitation", "730", "5000")], "124.01"),
        # Acts of the two with most, those of nobody known as if one person's.
        ([FEE, act(1, 1), act(2, 4), act(3, 2), act(None, 3)], "350.01"),
        # A tenth on top is a tenth on top of theirs too.
        ([line("capitation", "730", "1000"), line("incentive", "0.1", "100")], "136.41"),
        # Corrections as if they were theirs, whichever way; a bonus is the list's.
        (
            [correction("act", "-70"), correction("capitation", "30"), correction("score", "900")],
            "100.01",
        ),
        ([], "0.01"),
    ],
)
def test_the_most_that_two_may_hold(rows: list[tuple[str, dict[str, Any]]], due: str) -> None:
    assert top_two(*rows) == Decimal(due)
