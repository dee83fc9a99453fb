"""Every cent of the ledger: the SQL allocation against the rule in plain Python.

Here: `core.ledger_allocation` over lines, keys and mappings that Hypothesis draws, and what holds
of the rule itself. Not here: which lines are in force (`tests/spec/test_ledger.py`).
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.rules.allocation import allocate, restated
from dagster_project.rules.rounding import CENT
from tests.support.models import Bench, bench

MONTH = date(2018, 3, 1)
OWN, OTHER = ("P01", "P02", "P03", "P04"), ("A01", "A02", "A03", "A04", "A05")
Shares = dict[str, Decimal]
Line = tuple[Decimal, str | None]


@pytest.fixture(scope="module")
def ledger_allocation() -> Bench:
    return bench(
        "core.ledger_allocation",
        {
            "core.ledger_entry": "voucher_number bigint, line_number integer, ledger_month date,"
            " cost_centre_code varchar, account_code varchar, service_class_code varchar,"
            " amount_eur decimal(18,2)",
            "core.cost_allocation_key": "cost_centre_code varchar, service_class_code varchar,"
            " share decimal(7,6), valid_from_date date, valid_to_date date",
            "core.service_class": "classification_code varchar, service_class_code varchar,"
            " mapped_classification_code varchar, mapped_class_code varchar,"
            " mapped_share decimal(4,3), valid_from_date date, valid_to_date date",
        },
    )


def shares(classes: tuple[str, ...], parts: int) -> st.SearchStrategy[Shares]:
    """Shares of some classes that sum to 1, zeros and equal ones often among them."""

    def share_out(cuts: list[int]) -> Shares:
        edges = [0, *sorted(cuts), parts]
        steps = [b - a for a, b in pairwise(edges)]
        return {c: Decimal(s) / parts for c, s in zip(classes, steps, strict=False)}

    cut = st.integers(0, parts) | st.sampled_from([0, parts // 3, 2 * parts // 3, parts])
    return st.lists(cut, max_size=len(classes) - 1).map(share_out)


AMOUNTS = st.integers(-(10**14), 10**14).map(lambda cents: cents * CENT) | st.integers(-20, 20).map(
    lambda cents: cents * CENT
)
LINES = st.lists(st.tuples(AMOUNTS, st.none() | st.sampled_from(OWN)), min_size=1, max_size=6)
MAPPINGS = st.fixed_dictionaries({c: shares(OTHER, 1000) for c in OWN})


def by_sql(
    on: Bench, lines: list[Line], keys: Shares, mapping: Mapping[str, Shares]
) -> dict[tuple[int, str], Shares]:
    rows = on.run(
        {
            "core.ledger_entry": [
                (n, 1, MONTH, "1000", "4000", stated, amount)
                for n, (amount, stated) in enumerate(lines, start=1)
            ],
            "core.cost_allocation_key": [("1000", c, s, MONTH, None) for c, s in keys.items()],
            "core.service_class": [
                ("package", c, "aura", other, s, date(2010, 1, 1), date(2023, 1, 1))
                for c, to in mapping.items()
                for other, s in to.items()
            ],
        }
    )
    found: dict[tuple[int, str], Shares] = {}
    for row in rows:
        parts = found.setdefault((row["voucher_number"], row["classification_code"]), {})
        parts[row["service_class_code"]] = row["amount_eur"]
    return found


def by_rule(
    lines: list[Line], keys: Shares, mapping: Mapping[str, Shares]
) -> dict[tuple[int, str], Shares]:
    found = {}
    for n, (amount, stated) in enumerate(lines, start=1):
        own = {stated: Decimal(1)} if stated else keys
        found[n, "package"] = allocate(amount, own)
        found[n, "aura"] = allocate(amount, restated(own, mapping))
    return found


@given(lines=LINES, keys=shares(OWN, 1_000_000), mapping=MAPPINGS)
def test_sql_allocates_as_the_rule_does(
    ledger_allocation: Bench, lines: list[Line], keys: Shares, mapping: Mapping[str, Shares]
) -> None:
    assert by_sql(ledger_allocation, lines, keys, mapping) == by_rule(lines, keys, mapping)


@given(amount=AMOUNTS, own=shares(OWN, 1_000_000))
def test_parts_sum_to_the_amount_and_a_reversal_takes_them_back(
    amount: Decimal, own: Shares
) -> None:
    parts = allocate(amount, own)
    total = sum(own.values())
    assert sum(parts.values()) == amount
    assert parts.keys() == {name for name, share in own.items() if share}
    assert all(abs(p - amount * own[n] / total) < CENT for n, p in parts.items())
    assert {n: -p for n, p in allocate(-amount, own).items()} == parts


def test_by_hand() -> None:
    thirds = {"B": Decimal("0.333333"), "A": Decimal("0.333333"), "C": Decimal("0.333334")}
    # 33.3333, 33.3333 and 33.3334 cents: the cent left goes to the largest remainder, C's.
    assert allocate(Decimal("1.00"), thirds) == {
        "A": Decimal("0.33"),
        "B": Decimal("0.33"),
        "C": Decimal("0.34"),
    }
    # Half a cent each: of equal remainders the first by code.
    halves = {"B": Decimal("0.5"), "A": Decimal("0.5")}
    assert allocate(Decimal("-0.01"), halves) == {"A": Decimal("-0.01"), "B": Decimal(0)}


@pytest.mark.parametrize(
    ("amount", "own"),
    [("1", {}), ("1", {"A": "0"}), ("1", {"A": "-1", "B": "2"}), ("0.001", {"A": "1"})],
)
def test_what_cannot_be_allocated_is_an_error(amount: str, own: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"above zero|parts of a cent"):
        allocate(Decimal(amount), {n: Decimal(s) for n, s in own.items()})
