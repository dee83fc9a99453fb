"""Rules of contracts as the expectations that Great Expectations has by itself.

Here: reading a rule's SQL as valid values, bounds or lengths of one column. Not here: rules that
say more than that (patterns, several columns), which stay SQL (`suites`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

import sqlglot
from sqlglot import exp

Value = str | int | float | date | datetime


@dataclass(frozen=True)
class Native:
    """An expectation of the library, by its class name, and what it is told."""

    type: str
    arguments: Mapping[str, object]


def native_of(expression: str) -> Native | None:
    """The library's own expectation that says the same as a condition, if there is one.

    Like the gate's, these leave a missing value alone.
    """
    tree = sqlglot.parse_one(expression, read="duckdb")
    match tree:
        case exp.In():
            return _valid_values(tree)
        case exp.GTE() | exp.LTE():
            return _bound(tree)
        case exp.And(this=exp.GTE() as low, expression=exp.LTE() as high):
            return _joined(_bound(low), _bound(high))
        case _:
            return None


def _valid_values(tree: exp.In) -> Native | None:
    values = [_value(item) for item in tree.expressions]
    if not isinstance(tree.this, exp.Column) or not values or None in values:
        return None
    arguments = {"column": tree.this.name, "value_set": values}
    return Native("ExpectColumnValuesToBeInSet", arguments)


def _bound(tree: exp.GTE | exp.LTE) -> Native | None:
    value = _value(tree.expression)
    side = "min_value" if isinstance(tree, exp.GTE) else "max_value"
    if value is None or isinstance(value, str):
        return None
    if isinstance(tree.this, exp.Column):
        return Native("ExpectColumnValuesToBeBetween", {"column": tree.this.name, side: value})
    if isinstance(tree.this, exp.Length) and isinstance(tree.this.this, exp.Column):
        arguments = {"column": tree.this.this.name, side: value}
        return Native("ExpectColumnValueLengthsToBeBetween", arguments)
    return None


def _joined(low: Native | None, high: Native | None) -> Native | None:
    """Two bounds of the same column as one."""
    if low is None or high is None or low.type != high.type:
        return None
    if low.arguments["column"] != high.arguments["column"]:
        return None
    return Native(low.type, {**low.arguments, **high.arguments})


def _value(tree: exp.Expr) -> Value | None:
    """The value of a literal that the library takes exactly; None of anything else."""
    match tree:
        case exp.Literal(is_string=True):
            return str(tree.this)
        case exp.Literal():
            return _number(str(tree.this))
        case exp.Neg(this=exp.Literal(is_string=False) as literal):
            number = _number(str(literal.this))
            return None if number is None else -number
        case exp.Cast(this=exp.Literal(is_string=True) as literal):
            return _moment(str(literal.this), tree.to.this)
        case _:
            return None


def _number(text: str) -> int | float | None:
    """A number; none where the library's double would be another one than the gate's decimal."""
    exact = Decimal(text)
    if exact == exact.to_integral_value():
        return int(exact)
    return float(text) if Decimal(float(text)) == exact else None


def _moment(text: str, kind: object) -> Value | None:
    if kind is exp.DataType.Type.DATE:
        return date.fromisoformat(text)
    if kind in (exp.DataType.Type.TIMESTAMP, exp.DataType.Type.TIMESTAMPNTZ):
        return datetime.fromisoformat(text)
    return None
