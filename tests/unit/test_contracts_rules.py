"""Rules derived from a column say in SQL what its options say in words.

Here: the derived SQL against a plain Python statement of the same rule. Not here: the gate.
"""

from __future__ import annotations

import re
from contextlib import suppress
from datetime import date, datetime
from pathlib import Path

import duckdb
import pytest
from hypothesis import given
from hypothesis import strategies as st
from open_data_contract_standard.model import DataQuality, SchemaProperty

from dagster_project.contracts.documents import Document, Place
from dagster_project.contracts.expressions import check_condition, check_value
from dagster_project.contracts.model import Column, Dimension, RowRule
from dagster_project.contracts.rules import KAHN_DIMENSION, column_rules

CONNECTION = duckdb.connect()
PLACE = Place(Document(Path("v1.odcs.yaml"), b"", {}))
TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=6)


def derived(sql_type: str, **given_: object) -> list[RowRule]:
    prop = SchemaProperty.model_validate({"name": "x", **given_})
    column = Column(name="x", source_name="X", sql_type=sql_type, description="")
    return list(column_rules(prop, column, names={"x"}, place=PLACE))


def holds(rule: RowRule, sql_type: str, value: object) -> bool | None:
    """Verdict of DuckDB on one value; None where there is no value."""
    sql = f"select {rule.expression} from (select cast($1 as {sql_type}) as x)"
    row = CONNECTION.execute(sql, [value]).fetchone()
    assert row is not None
    verdict = row[0]
    assert verdict is None or isinstance(verdict, bool)
    return verdict


def valid_values(values: list[str]) -> DataQuality:
    return DataQuality(
        metric="invalidValues",
        arguments={"validValues": values},
        mustBe=0,
        severity="error",
        dimension="conformity",
        description="One of the list.",
    )


@given(codes=st.lists(TEXT, min_size=1, max_size=4, unique=True), value=TEXT)
def test_valid_values_are_a_list(codes: list[str], value: str) -> None:
    (rule,) = derived("VARCHAR", quality=[valid_values(codes)])
    assert rule.id == "x.valid_values"
    assert holds(rule, "VARCHAR", value) == (value in codes)
    assert holds(rule, "VARCHAR", codes[0])
    assert holds(rule, "VARCHAR", None) is None


PATTERNS = [r"\d{3}", "[a-z]{2}", r"[A-Z]\d{2}|-\d{2}", r"Yhteensä|\d{1,2}|100 -", "it's"]


@given(
    pattern=st.sampled_from(PATTERNS),
    value=st.one_of(
        TEXT, st.sampled_from(["106", "fi", "A00", "-34", "100 -", "Yhteensä", "it's", "1061"])
    ),
)
def test_a_pattern_matches_the_whole_value(pattern: str, value: str) -> None:
    (rule,) = derived("VARCHAR", logicalType="string", logicalTypeOptions={"pattern": pattern})
    assert holds(rule, "VARCHAR", value) == bool(re.fullmatch(pattern, value, re.ASCII))


@given(low=st.integers(-50, 50), size=st.integers(0, 50), value=st.integers(-150, 150))
def test_bounds_of_numbers_are_inclusive(low: int, size: int, value: int) -> None:
    rules = derived("BIGINT", logicalTypeOptions={"minimum": low, "maximum": low + size})
    assert [r.id for r in rules] == ["x.minimum", "x.maximum"]
    assert all(holds(r, "BIGINT", value) for r in rules) == (low <= value <= low + size)


@given(low=st.dates(date(1880, 1, 1), date(2100, 1, 1)), value=st.dates(date(1880, 1, 1)))
def test_bounds_of_dates_are_inclusive(low: date, value: date) -> None:
    (rule,) = derived("DATE", logicalTypeOptions={"minimum": low.isoformat()})
    assert holds(rule, "DATE", value) == (value >= low)


def test_bounds_of_timestamps_are_inclusive() -> None:
    (rule,) = derived("TIMESTAMP", logicalTypeOptions={"minimum": "2000-01-01 00:00:00"})
    assert holds(rule, "TIMESTAMP", datetime(2000, 1, 1))
    assert not holds(rule, "TIMESTAMP", datetime(1999, 12, 31, 23, 59, 59))


@given(low=st.integers(0, 4), size=st.integers(0, 4), value=TEXT)
def test_length_counts_characters(low: int, size: int, value: str) -> None:
    (rule,) = derived("VARCHAR", logicalTypeOptions={"minLength": low, "maxLength": low + size})
    assert rule.id == "x.length"
    assert holds(rule, "VARCHAR", value) == (low <= len(value) <= low + size)


def test_rules_come_in_a_fixed_order() -> None:
    own = DataQuality(
        id="own",
        type="custom",
        engine="tietoallas",
        implementation="x <> 'b'",
        severity="error",
        dimension="accuracy",
        description="Not b.",
    )
    rules = derived(
        "VARCHAR",
        logicalTypeOptions={"maxLength": 1, "pattern": "."},
        quality=[own, valid_values(["a"])],
    )
    assert [r.id for r in rules] == ["x.pattern", "x.valid_values", "x.length", "x.own"]


def test_every_dimension_of_the_standard_has_a_category_of_kahn() -> None:
    assert set(KAHN_DIMENSION) == {
        "accuracy",
        "completeness",
        "conformity",
        "consistency",
        "coverage",
        "timeliness",
        "uniqueness",
    }
    assert set(KAHN_DIMENSION.values()) == set(Dimension)


@given(sql=st.one_of(st.text(max_size=30), st.text("x()'\"$; ,+=<>andorselct", max_size=30)))
def test_any_text_is_accepted_or_refused(sql: str) -> None:
    for check in (check_condition, check_value):
        with suppress(ValueError):
            check(sql, {"x"})


@pytest.mark.parametrize(
    "sql",
    [
        "x is not null",
        "x in ('1', '2')",
        "x <= $delivery_date + interval 31 day",
        "not x > 1 and (x < 3 or x = 9)",
        "regexp_full_match(x, '[a-z]')",
        "coalesce(x, 1) between 1 and 3",
        "case when x > 1 then x < 5 else true end = true",
        "starts_with(x, 'a')",
    ],
)
def test_conditions_over_the_row_are_accepted(sql: str) -> None:
    check_condition(sql, {"x"})


@pytest.mark.parametrize("sql", ["x", "x + 1", "*", "", "select x", "y > 1", "x > $other", "x >"])
def test_what_is_no_condition_is_refused(sql: str) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        check_condition(sql, {"x"})


@pytest.mark.parametrize("sql", ["x", "cast(null as varchar)", "x + 1", "upper(x)"])
def test_values_over_the_row_are_accepted(sql: str) -> None:
    check_value(sql, {"x"})


def test_an_upcast_does_not_know_the_delivery() -> None:
    with pytest.raises(ValueError, match="delivery_date"):
        check_value("x + $delivery_date", {"x"})
