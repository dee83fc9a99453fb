"""Which lines of the ledger are allocated, and to what, by hand.

Here: `core.ledger_entry` and `core.ledger_allocation` over a few lines. Not here: cents at large
(`tests/property/test_ledger_allocation.py`).
"""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import duckdb
import pytest

from dagster_project.lake import checks
from dagster_project.pipeline import load_definition
from tests.support.models import Bench, bench

TURN = date(2023, 1, 1)
CLASSES = [
    ("package", "P01", "aura", "A01", "1.000", date(2000, 1, 1), TURN),
    ("package", "P04", "aura", "A04", "0.750", date(2000, 1, 1), TURN),
    ("package", "P04", "aura", "A05", "0.250", date(2000, 1, 1), TURN),
    ("aura", "A01", "package", "P01", "1.000", TURN, None),
    ("aura", "A04", "package", "P04", "1.000", TURN, None),
    ("aura", "A05", "package", "P04", "1.000", TURN, None),
]
KEYS = [
    ("1000", "P01", "0.400000", date(2015, 1, 1), date(2018, 3, 1)),
    ("1000", "P04", "0.600000", date(2015, 1, 1), date(2018, 3, 1)),
    ("1000", "P01", "1.000000", date(2018, 3, 1), TURN),
    ("2000", "P01", "0.500000", date(2015, 1, 1), None),
    ("2000", "P99", "0.500000", date(2015, 1, 1), None),
    ("3000", "P01", "0.000000", date(2015, 1, 1), None),
]
CLASS_COLUMNS = (
    "classification_code varchar, service_class_code varchar, mapped_classification_code varchar,"
    " mapped_class_code varchar, mapped_share decimal(4,3), valid_from_date date,"
    " valid_to_date date"
)
KEY_COLUMNS = (
    "cost_centre_code varchar, service_class_code varchar, share decimal(7,6),"
    " valid_from_date date, valid_to_date date"
)
LINE_COLUMNS = (
    "voucher_number bigint, line_number integer, ledger_month date, posted_date date,"
    " cost_centre_code varchar, account_code varchar, service_class_code varchar,"
    " counterparty_code varchar, amount_eur decimal(18,2), delivery_sequence bigint,"
    " record_number bigint"
)


@pytest.fixture(scope="module")
def entry() -> Bench:
    return bench(
        "core.ledger_entry",
        {
            "current.general_ledger": LINE_COLUMNS,
            "core.cost_allocation_key": KEY_COLUMNS,
            "core.service_class": CLASS_COLUMNS,
        },
    )


@pytest.fixture(scope="module")
def allocation() -> Bench:
    return bench(
        "core.ledger_allocation",
        {
            "core.ledger_entry": LINE_COLUMNS,
            "core.cost_allocation_key": KEY_COLUMNS,
            "core.service_class": CLASS_COLUMNS,
        },
    )


def line(
    number: int, month: date, centre: str, amount: str, stated: str | None = None
) -> tuple[Any, ...]:
    return (number, 1, month, month, centre, "4000", stated, None, amount, 201803, number)


@pytest.mark.parametrize(
    ("centre", "month", "stated", "is_allocated"),
    [
        pytest.param("1000", date(2018, 2, 1), None, True, id="keys-of-the-month"),
        pytest.param("1000", date(2014, 12, 1), None, False, id="before-the-centre-opened"),
        pytest.param("1000", TURN, None, False, id="after-it-closed"),
        pytest.param("9999", date(2018, 2, 1), None, False, id="a-centre-nobody-knows"),
        pytest.param("2000", date(2018, 2, 1), None, False, id="one-key-to-a-class-nobody-knows"),
        pytest.param("3000", date(2018, 2, 1), None, False, id="all-keys-are-zero"),
        pytest.param("9999", date(2018, 2, 1), "P04", True, id="a-stated-class-needs-no-key"),
        pytest.param("1000", date(2018, 2, 1), "P99", False, id="stated-but-unknown"),
        pytest.param("1000", date(2018, 2, 1), "A04", False, id="stated-of-a-later-classification"),
        pytest.param("1000", TURN, "A04", True, id="stated-of-the-later-one-in-its-time"),
    ],
)
def test_a_line_is_allocated_or_waits(
    entry: Bench, centre: str, month: date, stated: str | None, is_allocated: bool
) -> None:
    rows = entry.run(
        {
            "current.general_ledger": [line(1, month, centre, "10.00", stated)],
            "core.cost_allocation_key": KEYS,
            "core.service_class": CLASSES,
        }
    )
    assert bool(rows) is is_allocated


def allocated(on: Bench, *lines: tuple[Any, ...]) -> dict[tuple[int, str], dict[str, Decimal]]:
    rows = on.run(
        {
            "core.ledger_entry": list(lines),
            "core.cost_allocation_key": KEYS,
            "core.service_class": CLASSES,
        }
    )
    found: dict[tuple[int, str], dict[str, Decimal]] = {}
    for row in rows:
        parts = found.setdefault((row["voucher_number"], row["classification_code"]), {})
        parts[row["service_class_code"]] = row["amount_eur"]
    return found


def test_keys_change_between_months_and_a_stated_class_takes_all(allocation: Bench) -> None:
    parts = allocated(
        allocation,
        line(1, date(2018, 2, 1), "1000", "100.01"),
        line(2, date(2018, 3, 1), "1000", "100.01"),
        line(3, date(2018, 2, 1), "1000", "-100.01", "P04"),
        line(4, TURN, "1000", "0.01", "A05"),
    )
    euros = Decimal
    # 4000.4 and 6000.6 cents: the cent left goes to P04. Of P04, 4500.45 and 1500.15 cents.
    assert parts[1, "package"] == {"P01": euros("40.00"), "P04": euros("60.01")}
    assert parts[1, "aura"] == {
        "A01": euros("40.00"),
        "A04": euros("45.01"),
        "A05": euros("15.00"),
    }
    assert parts[2, "package"] == {"P01": euros("100.01")}
    assert parts[2, "aura"] == {"A01": euros("100.01")}
    # 7500.75 and 2500.25 cents, taken back.
    assert parts[3, "package"] == {"P04": euros("-100.01")}
    assert parts[3, "aura"] == {"A04": euros("-75.01"), "A05": euros("-25.00")}
    assert parts[4, "aura"] == {"A05": euros("0.01")}
    assert parts[4, "package"] == {"P04": euros("0.01")}


@pytest.mark.parametrize(
    ("spoil", "missing_cents"),
    [
        ("delete from core.ledger_allocation where service_class_code = 'P01'", 4000),
        (
            "update core.ledger_allocation set amount_eur = 60.01 where service_class_code = 'P04'",
            1,
        ),
        ("insert into core.ledger_entry values (date '2018-02-01', 7.00)", 2 * 700),
    ],
)
def test_a_cent_that_no_class_has_is_counted(spoil: str, missing_cents: int) -> None:
    (check,) = (
        c
        for c in checks.all_checks(load_definition().catalogue)
        if c.id == "ledger_allocation.classes_sum_to_ledger"
    )
    with duckdb.connect() as connection:
        connection.execute("create schema core")
        connection.execute(
            "create table core.ledger_entry as"
            " select date '2018-01-01' as ledger_month, 100.00 as amount_eur;"
            "create table core.ledger_allocation as select date '2018-01-01' as ledger_month, *"
            " from (values ('package', 'P01', 40.00), ('package', 'P04', 60.00),"
            " ('aura', 'A01', 100.00)) as part(classification_code, service_class_code, amount_eur)"
        )
        assert connection.execute(check.violated_sql).fetchone() == (0,)
        connection.execute(spoil)
        assert connection.execute(check.violated_sql).fetchone() == (missing_cents,)
