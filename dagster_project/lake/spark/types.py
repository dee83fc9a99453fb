"""What DuckDB takes the parts of a query for: SQLGlot's finding of types, set right.

Here: types. Not here: what is made of them (`arithmetic`, `times`, `texts`).
"""

from __future__ import annotations

from enum import StrEnum
from typing import Any

from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB


class NotCarried(Exception):
    """A part of a query that nobody has held against DuckDB."""


def shown(node: exp.Expr) -> str:
    """The start of a part of a query: models hold no values of persons."""
    return node.sql("duckdb")[:80]


class Kind(StrEnum):
    """What of a type decides how a function reads it."""

    WHOLE = "whole number"
    DECIMAL = "decimal"
    DOUBLE = "double"
    TEXT = "text"
    DATE = "date"
    MOMENT = "timestamp"
    SPAN = "interval"
    TRUTH = "boolean"
    NOTHING = "null"


KINDS = {
    **dict.fromkeys((*exp.DataType.SIGNED_INTEGER_TYPES, exp.DType.INT128), Kind.WHOLE),
    exp.DType.DECIMAL: Kind.DECIMAL,
    exp.DType.DOUBLE: Kind.DOUBLE,
    **dict.fromkeys(exp.DataType.TEXT_TYPES, Kind.TEXT),
    exp.DType.DATE: Kind.DATE,
    exp.DType.TIMESTAMP: Kind.MOMENT,
    exp.DType.TIMESTAMPNTZ: Kind.MOMENT,
    exp.DType.INTERVAL: Kind.SPAN,
    exp.DType.BOOLEAN: Kind.TRUTH,
    exp.DType.NULL: Kind.NOTHING,
}


def kind_of(node: exp.Expr) -> Kind:
    """What a part of a query is.

    Raises:
        NotCarried: no rule of types knows.
    """
    kind = KINDS.get(node.type.this) if node.type else None
    if kind is None:
        raise NotCarried(f"the type of {shown(node)} is not known")
    return kind


def scale_of(node: exp.Expr) -> int:
    """Digits after the point of a decimal: of a table's column, or as a cast states them.

    Raises:
        NotCarried: it is another thing.
    """
    if isinstance(node, exp.Cast) and len(node.to.expressions) == 2:
        return int(node.to.expressions[1].name)
    if "scale" not in node.meta:
        raise NotCarried(f"the scale of {shown(node)} is not stated; cast it to a decimal of one")
    return int(node.meta["scale"])


def _type_of_first(annotator: Any, node: exp.Expr) -> exp.Expr:  # noqa: ANN401 - SQLGlot's own
    annotator._annotate_by_args(node, "this")
    return node


def _type_of_literal(annotator: Any, node: exp.Expr) -> exp.Expr:  # noqa: ANN401
    """A number with a point is a decimal in DuckDB; SQLGlot has it for a double."""
    if node.is_string or "." not in node.name or "e" in node.name.lower():
        annotator._annotate_literal(node)
        return node
    return _typed_as(annotator, node, exp.DType.DECIMAL)


def _type_of_cast(annotator: Any, node: exp.Expr) -> exp.Expr:  # noqa: ANN401
    """Without digits, as columns (`translation`)."""
    to = node.args["to"]
    return _typed_as(annotator, node, to if to.args.get("nested") else to.this)


def _type_of_sum(annotator: Any, node: exp.Expr) -> exp.Expr:  # noqa: ANN401
    match KINDS.get(node.this.type.this):
        case Kind.WHOLE:
            return _typed_as(annotator, node, exp.DType.INT128)
        case Kind.DECIMAL | Kind.DOUBLE:
            return _typed_as(annotator, node, node.this.type)
    return _typed_as(annotator, node, exp.DType.UNKNOWN)


def _typed_as(annotator: Any, node: exp.Expr, kind: exp.DataType | exp.DType) -> exp.Expr:  # noqa: ANN401
    annotator._set_type(node, kind)
    return node


def _type_of_median(annotator: Any, node: exp.Expr) -> exp.Expr:  # noqa: ANN401
    is_decimal = node.this.type.is_type(exp.DType.DECIMAL)
    return _typed_as(annotator, node, node.this.type if is_decimal else exp.DType.DOUBLE)


def _type_of_moved(annotator: Any, node: exp.Expr) -> exp.Expr:  # noqa: ANN401
    kinds = (KINDS.get(node.this.type.this), KINDS.get(node.expression.type.this))
    if kinds == (Kind.DATE, Kind.DATE):
        return _typed_as(annotator, node, exp.DType.BIGINT)
    if kinds == (Kind.DATE, Kind.WHOLE):
        return _typed_as(annotator, node, exp.DType.DATE)
    if kinds[1] is Kind.SPAN and kinds[0] in {Kind.DATE, Kind.MOMENT}:
        return _typed_as(annotator, node, exp.DType.TIMESTAMP)
    annotator._annotate_binary(node)
    return node


_NAMED_TYPES = {
    "civil_date": exp.DType.TIMESTAMP,
    "to_months": exp.DType.INTERVAL,
    "bit_count": exp.DType.TINYINT,
}


def _type_of_named(annotator: Any, node: exp.Expr) -> exp.Expr:  # noqa: ANN401
    if node.name.lower() == "arg_max_null":
        return _typed_as(annotator, node, node.expressions[0].type)
    return _typed_as(annotator, node, _NAMED_TYPES.get(node.name.lower(), exp.DType.UNKNOWN))


METADATA: dict[type[exp.Expr], dict[str, Any]] = {
    **DuckDB.EXPRESSION_METADATA,
    **{
        kind: {"annotator": _type_of_first}
        for kind in (exp.ArgMax, exp.ArgMin, exp.Round, exp.Floor, exp.BitwiseOrAgg)
    },
    **{
        kind: {"returns": exp.DType.VARCHAR}
        for kind in (exp.Replace, exp.Translate, exp.RegexpExtract, exp.RegexpReplace)
    },
    exp.Split: {"returns": exp.DataType.build("array<varchar>")},
    exp.Literal: {"annotator": _type_of_literal},
    exp.Cast: {"annotator": _type_of_cast},
    exp.TryCast: {"annotator": _type_of_cast},
    exp.Div: {"returns": exp.DType.DOUBLE},
    exp.Sign: {"returns": exp.DType.TINYINT},
    exp.TimestampTrunc: {"returns": exp.DType.TIMESTAMP},
    exp.Sum: {"annotator": _type_of_sum},
    exp.Median: {"annotator": _type_of_median},
    exp.Add: {"annotator": _type_of_moved},
    exp.Sub: {"annotator": _type_of_moved},
    exp.Anonymous: {"annotator": _type_of_named},
}
"""What SQLGlot does not know of DuckDB's types, or has wrong."""

_LADDERS = (
    (
        *(exp.DType.TINYINT, exp.DType.SMALLINT, exp.DType.INT, exp.DType.BIGINT),
        *(exp.DType.INT128, exp.DType.DECIMAL, exp.DType.DOUBLE),
    ),
    (exp.DType.DATE, exp.DType.TIMESTAMP),
)
COERCES_TO = {
    kind: set(ladder[number:]) for ladder in _LADDERS for number, kind in enumerate(ladder)
}
"""Types that a type becomes beside one of them, in DuckDB."""
