"""Disclosure control by hand: the edges of each limit, and who may move them.

Here: cases. Not here: what holds of all (`tests/property/test_disclosure.py`).
"""

from __future__ import annotations

from dataclasses import replace
from datetime import date
from decimal import Decimal

import duckdb
import pytest

from dagster_project.errors import ContractError
from dagster_project.pipeline import load_definition
from dagster_project.publish.disclosure import disclose, limits_in_force, rolled_up
from dagster_project.rulebook import Rulebook, load_rulebooks
from dagster_project.rules.disclosure import (
    Euros,
    Limits,
    Rate,
    told_count,
    told_euros,
    told_factor,
    told_interval,
    told_rate,
    total,
)

LIMITS = Limits()


@pytest.mark.parametrize(
    ("count", "told"),
    [(0, None), (1, None), (7, None), (8, 10), (12, 10), (13, 15), (17, 15), (18, 20), (998, 1000)],
)
def test_counts(count: int, told: int | None) -> None:
    assert told_count(count, LIMITS, persons=count) == told


def test_many_visits_of_few_are_not_told() -> None:
    assert told_count(200, LIMITS, persons=7) is None
    assert told_count(202, LIMITS, persons=8) == 200


def test_a_total_is_of_what_is_told() -> None:
    assert total([10, None, 15]) == 25
    assert total([None, None]) is None


@pytest.mark.parametrize(
    ("amount", "persons", "two", "told"),
    [
        ("12499.99", 100, "500", 12000),
        ("12500.00", 100, "500", 13000),
        ("12500.00", 7, "500", None),  # so few
        ("10000.00", 50, "8500.00", 10000),  # 85 %
        ("10000.00", 50, "8500.01", None),
        ("-12500.00", 100, "500", -13000),  # taken back
        ("90000.00", 10, "20000", 90000),  # 9 000 each: by 45 000, what five cost
        ("60000.00", 10, "20000", 60000),
        ("71000.00", 10, "20000", 72000),  # 7 100 each: by 36 000
    ],
)
def test_euros(amount: str, persons: int, two: str, told: int | None) -> None:
    assert told_euros([Euros(Decimal(amount), persons, Decimal(two))], LIMITS) == [told]


def test_what_is_left_out_takes_the_smallest_beside_it_along() -> None:
    """In the first month one is two people's; alone it could be worked out from the total."""
    cells = [
        Euros(Decimal(40_000), 50, Decimal(39_000), "May"),
        Euros(Decimal(30_000), 90, Decimal(900), "May"),
        Euros(Decimal(20_000), 90, Decimal(900), "May"),
        Euros(Decimal(10_000), 90, Decimal(900), "June"),
    ]
    assert told_euros(cells, LIMITS) == [None, 30_000, None, 10_000]


def test_two_that_are_left_out_of_few_persons_take_a_third_along() -> None:
    cells = [
        Euros(Decimal(4_000), 3, Decimal(100)),
        Euros(Decimal(3_000), 2, Decimal(100)),
        Euros(Decimal(20_000), 90, Decimal(900)),
        Euros(Decimal(30_000), 90, Decimal(900)),
    ]
    assert told_euros(cells, LIMITS) == [None, None, None, 30_000]


def test_factors_have_three_decimals_and_persons() -> None:
    assert told_factor(Decimal("1.02345678"), LIMITS, persons=8) == Decimal("1.023")
    assert told_factor(Decimal("1.02345678"), LIMITS, persons=7) is None


@pytest.mark.parametrize(
    ("numerator", "denominator", "code", "told"),
    [
        (48, 100, "wilson", "48"),
        (7, 100, "wilson", None),
        (93, 100, "wilson", None),  # seven who are not
        (92, 100, "wilson", "92"),
        (7, 5000, "byar", None),
        (8, 5000, "byar", "0.16"),
        (3, 8, "none", "38"),  # a mean: its numerator counts nobody
        (3, 7, "none", None),
    ],
)
def test_rates(numerator: int, denominator: int, code: str, told: str | None) -> None:
    value = Decimal(100 * numerator) / denominator
    rate = Rate(value, Decimal(numerator), Decimal(denominator), code)
    assert told_rate(rate, LIMITS) == (None if told is None else Decimal(told))


def test_an_interval_is_that_of_what_is_told() -> None:
    """Wilson of 48 % of 100: 38.5 to 57.7."""
    found = told_interval(Decimal(48), 100, interval_code="wilson", multiplier=100, limits=LIMITS)
    assert found == (Decimal(38), Decimal(58))


def test_cells_that_are_rolled_up_are_summed_before_they_are_judged() -> None:
    """Four and five on a list by age: nobody is told of either, and of nine persons of both."""
    contract = load_definition().outputs.contracts["enrolled_by_provider"]
    with duckdb.connect() as connection:
        connection.execute(
            "create table cells as select date '2017-05-01' as enrolment_month, 'T11' as"
            " service_code, 'P1' as provider_id, '106' as municipality_code,"
            " unnest(['0-6', '7-17']) as age_band, unnest([4, 5])::bigint as person_count"
        )
        found = connection.execute(rolled_up("select * from cells", contract))
        names = [column[0] for column in found.description]
        exact = {
            n: list(v) for n, v in zip(names, zip(*found.fetchall(), strict=True), strict=True)
        }
    told = disclose(exact, contract, LIMITS).columns
    assert told["person_count"] == [10]
    assert "age_band" not in told


def disclosure(**changed: str) -> Rulebook:
    (book,) = (book for book in load_rulebooks() if book.name == "disclosure")
    (_, row) = book.rows[-1]
    stated = dict(zip(book.columns, row, strict=True)) | changed
    later = (date(2018, 1, 1), tuple(stated.values()))
    return replace(book, rows=(*book.rows, later))


def test_limits_may_be_tightened() -> None:
    found = limits_in_force([disclosure(count_floor="10", top_two_share="0.5")])
    assert (found.limits.count_floor, found.limits.top_two_share) == (10, Decimal("0.5"))
    assert found.override == ""


@pytest.mark.parametrize(
    ("name", "value"), [("count_floor", "4"), ("factor_decimals", "8"), ("euro_step", "100")]
)
def test_limits_are_not_loosened_without_a_reason(name: str, value: str) -> None:
    with pytest.raises(ContractError, match=f"disclosure.yaml: {name} would tell more"):
        limits_in_force([disclosure(**{name: value})])
    found = limits_in_force([disclosure(**{name: value, "override_reason": "board, § 12"})])
    assert found.override == "board, § 12"


def test_the_limits_in_force_are_the_platforms_own() -> None:
    assert limits_in_force(load_rulebooks()).limits == LIMITS
