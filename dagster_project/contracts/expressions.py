"""SQL expressions that contracts hold: may they be evaluated on one row by itself.

Here: reading them with SQLGlot, and refusing what is not a rule over the row's own columns. Not
here: evaluating them (`lake.gate`).
"""

from __future__ import annotations

from collections.abc import Collection

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError

PARAMETERS = frozenset({"delivery_date"})

_NOT_OF_ONE_ROW = (exp.Query, exp.Subquery, exp.AggFunc, exp.Window, exp.Star, exp.Exists)
_NOT_OF_THE_DATA = (
    exp.CurrentDate,
    exp.CurrentTime,
    exp.CurrentTimestamp,
    exp.CurrentDatetime,
    exp.Rand,
    exp.Uuid,
)
_BOOLEAN = (
    exp.Predicate,
    exp.Connector,
    exp.Not,
    exp.Boolean,
    exp.StartsWith,
    exp.EndsWith,
    exp.Contains,
)


def check_value(sql: str, columns: Collection[str]) -> None:
    """Checks an expression that gives a value from one row.

    Args:
        sql: DuckDB SQL.
        columns: columns that the row has.

    Raises:
        ValueError: what is wrong with it, as a sentence.
    """
    _check(_parse(sql), columns, frozenset())


def check_condition(sql: str, columns: Collection[str]) -> None:
    """Checks an expression that is true or false of one row; `$delivery_date` may occur.

    Args:
        sql: DuckDB SQL.
        columns: columns that the row has.

    Raises:
        ValueError: what is wrong with it, as a sentence.
    """
    expression = _parse(sql)
    _check(expression, columns, PARAMETERS)
    if not isinstance(expression.unnest(), _BOOLEAN):
        raise ValueError(f"{sql!r} is not a condition that is true or false")


def _parse(sql: str) -> exp.Condition | exp.Query:
    try:
        statements = sqlglot.parse(sql, dialect="duckdb")
    except SqlglotError as error:
        raise ValueError(f"{sql!r} is not SQL that DuckDB reads") from error
    if len(statements) != 1 or not isinstance(statements[0], exp.Condition | exp.Query):
        raise ValueError(f"{sql!r} is not one SQL expression")
    return statements[0]


def _check(
    expression: exp.Condition | exp.Query, columns: Collection[str], parameters: Collection[str]
) -> None:
    for node in expression.walk():
        if isinstance(node, _NOT_OF_ONE_ROW):
            raise ValueError("an expression sees one row: no subquery, aggregate or window")
        if isinstance(node, _NOT_OF_THE_DATA):
            raise ValueError("the result would depend on when it is run; use $delivery_date")
        if isinstance(node, exp.Anonymous):
            raise ValueError(f"function {node.name} is unknown")
        if isinstance(node, exp.Column) and (node.name not in columns or node.table):
            raise ValueError(f"column {node.sql()} is not in the contract")
        if isinstance(node, exp.Placeholder | exp.Parameter) and node.name not in parameters:
            raise ValueError(f"parameter ${node.name} is unknown here")
