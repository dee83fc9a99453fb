"""What disclosure control promises, whatever the figures: held of single cells and of whole tables.

Here: properties. Not here: cases worked by hand (`tests/spec/test_disclosure.py`).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hypothesis import assume, given
from hypothesis import strategies as st

from dagster_project.contracts.published import Disclosure, OutputColumn, OutputContract, Role
from dagster_project.publish.disclosure import REDACTED, Columns, disclose
from dagster_project.rules.disclosure import (
    Euros,
    Limits,
    Rate,
    euro_step,
    told_count,
    told_euros,
    told_factor,
    told_interval,
    told_rate,
    total,
)

LIMITS = Limits()
COUNTS = st.integers(0, 400)
CENTS = st.decimals(0, 500_000, places=2)


def column(name: str, role: Role, sql_type: str = "BIGINT", **stated: Any) -> OutputColumn:
    return OutputColumn(name, sql_type, name, False, None, Disclosure(role=role, **stated))


TABLE = OutputContract(
    table="made_up",
    version="1.0.0",
    grain="One row per group.",
    description="Made up.",
    columns=(
        column("month", Role.DIMENSION),
        column("woman_count", Role.COUNT),
        column("man_count", Role.COUNT),
        column("person_count", Role.TOTAL, parts=("woman_count", "man_count")),
        column("visit_count", Role.COUNT, persons="woman_count"),
        column("cost_eur", Role.EUROS, "DECIMAL(18,2)", persons="woman_count", topTwo="two_eur"),
        column("two_eur", Role.WITHHELD, "DECIMAL(18,2)"),
    ),
    shelves=frozenset(),
    euro_group=("month",),
    summary=None,
    sha256="",
)


@st.composite
def tables(draw: st.DrawFn) -> Columns:
    """Groups of women and men, their visits, and costs of which two hold some part."""
    size = draw(st.integers(0, 12))
    women = draw(st.lists(COUNTS, min_size=size, max_size=size))
    men = draw(st.lists(COUNTS, min_size=size, max_size=size))
    costs = draw(st.lists(CENTS, min_size=size, max_size=size))
    parts = draw(st.lists(st.integers(0, 100), min_size=size, max_size=size))
    return {
        "month": [i % 3 for i in range(size)],
        "woman_count": women,
        "man_count": men,
        "person_count": [w + m for w, m in zip(women, men, strict=True)],
        "visit_count": [3 * w for w in women],
        "cost_eur": costs,
        "two_eur": [c * p / 100 for c, p in zip(costs, parts, strict=True)],
    }


def shown(values: Iterable[Any]) -> list[Any]:
    return [value for value in values if value is not None]


@given(tables())
def test_no_count_from_1_to_7_is_told_and_every_one_is_a_multiple_of_5(exact: Columns) -> None:
    told = disclose(exact, TABLE, LIMITS).columns
    for name in ("woman_count", "man_count", "person_count", "visit_count"):
        for count in shown(told[name]):
            assert count % 5 == 0
            assert count not in range(1, 8)


@given(tables())
def test_a_total_is_the_sum_of_its_told_parts(exact: Columns) -> None:
    told = disclose(exact, TABLE, LIMITS).columns
    for woman, man, both in zip(
        told["woman_count"], told["man_count"], told["person_count"], strict=True
    ):
        assert both == (sum(shown([woman, man])) if shown([woman, man]) else None)


@given(tables())
def test_euros_are_told_of_enough_persons_of_whom_no_two_hold_nearly_all(exact: Columns) -> None:
    told = disclose(exact, TABLE, LIMITS).columns
    rows = zip(
        told["cost_eur"], exact["cost_eur"], exact["woman_count"], exact["two_eur"], strict=True
    )
    for euros, cost, persons, two in rows:
        if euros is not None:
            assert persons > 7
            assert two <= Decimal("0.85") * cost
            assert euros % 1000 == 0


@given(tables())
def test_no_sum_of_euros_is_the_only_one_left_out_of_its_month(exact: Columns) -> None:
    """Else who knows the month's total would know it."""
    told = disclose(exact, TABLE, LIMITS).columns
    for month in set(exact["month"]):
        cells = [e for m, e in zip(exact["month"], told["cost_eur"], strict=True) if m == month]
        assert len(cells) == 1 or cells.count(None) != 1


@given(tables())
def test_rows_say_what_was_left_out_of_them_and_nothing_else_is_there(exact: Columns) -> None:
    public = disclose(exact, TABLE, LIMITS)
    assert list(public.columns) == [c.name for c in TABLE.columns[:-1]] + [REDACTED]
    assert public.columns.keys() == public.types.keys()
    gone = [
        sum(told[i] is None for name, told in public.columns.items() if name != REDACTED)
        for i in range(len(exact["month"]))
    ]
    assert public.columns[REDACTED] == [count > 0 for count in gone]
    assert public.redacted_count == sum(gone)


@given(tables(), st.data())
def test_one_person_more_changes_a_count_by_nothing_or_by_5_at_least(
    before: Columns, data: st.DataObject
) -> None:
    """Two consecutive months, the second with one woman more in one cell; left out counts as 0."""
    assume(before["month"])
    cell = data.draw(st.integers(0, len(before["month"]) - 1))
    after = {name: list(values) for name, values in before.items()}
    after["woman_count"][cell] += 1
    after["person_count"][cell] += 1
    one, other = (disclose(exact, TABLE, LIMITS).columns for exact in (before, after))
    for name in ("woman_count", "man_count", "person_count"):
        sums = [[*t[name], total(t[name])] for t in (one, other)]
        for was, now in zip(*sums, strict=True):
            change = abs((now or 0) - (was or 0))
            assert change == 0 or change >= 5


@given(
    persons=st.integers(1, 5_000),
    mean=st.decimals("0.01", 2_000, places=2),
    factor=st.decimals("0.5", "2.0", places=8),
)
def test_amounts_and_factors_tell_no_count_more_nearly_than_its_rounding(
    persons: int, mean: Decimal, factor: Decimal
) -> None:
    """Who knows what one costs, to the cent, still has five counts to choose from."""
    per_person = mean * factor
    cell = Euros(per_person * persons, persons, per_person * 2)
    told = told_euros([cell], LIMITS)[0]
    assume(told is not None)
    step = euro_step(cell, LIMITS)
    assert step >= 5 * per_person
    assert abs(Decimal(told or 0) - cell.amount) <= Decimal(step) / 2
    published = told_factor(factor, LIMITS, persons=persons)
    assert published is not None
    assert abs(published - factor) <= Decimal("0.0005")


@given(numerator=COUNTS, others=COUNTS, code=st.sampled_from(("wilson", "byar", "none")))
def test_a_rate_rests_on_no_count_that_is_not_told(numerator: int, others: int, code: str) -> None:
    base = numerator + others
    value = Decimal(100 * numerator) / max(base, 1)
    rate = Rate(value, Decimal(numerator), Decimal(base), code)
    told = told_rate(rate, LIMITS)
    base_told = told_count(base, LIMITS, persons=base)
    lower, upper = told_interval(told, base_told, interval_code=code, multiplier=100, limits=LIMITS)
    if told is None:
        assert (lower, upper) == (None, None)
        return
    assert base > 7
    assert code == "none" or numerator > 7
    assert code != "wilson" or others > 7
    assert abs(told - value) <= Decimal("0.5") + value / 20
    if code != "none":
        assert lower is not None
        assert upper is not None
        assert lower <= told * Decimal("1.05")
        assert told <= upper * Decimal("1.05")


@given(
    floor=st.integers(7, 30),
    step=st.integers(5, 50),
    count=COUNTS,
)
def test_tighter_limits_never_tell_of_a_cell_that_was_left_out(
    floor: int, step: int, count: int
) -> None:
    tighter = replace(LIMITS, count_floor=floor, count_step=step)
    if told_count(count, LIMITS, persons=count) is None:
        assert told_count(count, tighter, persons=count) is None
    told = told_count(count, tighter, persons=count)
    assert told is None or told % step == 0
