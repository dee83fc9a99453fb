"""A model's query, which is DuckDB's SQL, as Spark's: the same rows, or a refusal.

SQLGlot knows both grammars and writes names, joins and clauses. What means something else in Spark
though it looks alike (rounding, division, intervals, empty series, missing values in a greatest)
is put into Spark's words here, by the types that SQLGlot finds; and what stands neither in `_SAME`
nor in `_RULES` is refused, for nobody has held it against DuckDB. Spark runs with ANSI rules and
without loss of decimals (see `spark_session`): what overflows or cannot be cast is an error.

Here: the translation. Not here: running it (`spark`), which models (`engines`).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from enum import StrEnum
from functools import cache
from typing import Any

import sqlglot
from sqlglot import exp
from sqlglot.dialects.duckdb import DuckDB
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from dagster_project.errors import BuildError
from dagster_project.lake.casts import MACROS

Columns = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Type of each column, by schema and table."""

_CIVIL_ZONE = "Europe/Helsinki"
_UNITS = frozenset({"DAY", "MONTH", "QUARTER", "YEAR"})
_WIDEST = 18
"""Digits of a decimal that a double is cast to: its units fit 64 bits."""
_PLAIN = frozenset({",", ";", "/"})
"""Separators that are no more than themselves in a pattern."""
_SIMPLE_PATTERN = re.compile(r"[^\\?]+|([^\\(]|\((?!\?))+")
"""Patterns without backslashes and without groups of a kind of their own."""


def spark_name(schema: str, table: str) -> str:
    """The temporary view that a table of the lake is in Spark, which has no schemas for them."""
    return f"{schema}__{table}"


def to_spark(sql: str, columns: Columns, what: str) -> str:
    """A query of the lake as Spark's SQL, over views named by `spark_name`.

    Args:
        sql: In DuckDB's SQL.
        columns: Of all it reads.
        what: Its name in an error.

    Raises:
        BuildError: it holds something that Spark has not been held to.
    """
    try:
        tree = _typed(sql, columns)
        # Children first, so that a rule finds its own arguments in Spark's words.
        for node in reversed(list(tree.walk())):
            _translate(node)
        return tree.sql("spark", identify=True)
    except (_Unknown, SqlglotError) as error:
        raise BuildError(
            f"{what} cannot run on Spark: {error}. Write it otherwise, give lake/spark_sql.py a rule"
            " and a test, or place the model on DuckDB in sql/placement.yaml"
        ) from None


class _Unknown(Exception):
    """A part of a query that has no rule."""


def _typed(sql: str, columns: Columns) -> exp.Expr:
    """The query with macros written out, each column's table named, and types found."""
    schema = MappingSchema(dict(columns), dialect="duckdb", normalize=False)
    tree = sqlglot.parse_one(sql, read="duckdb").transform(_expanded)
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)
    tree = qualify(tree, schema=schema, dialect="duckdb", validate_qualify_columns=False)
    return annotate_types(tree, schema=schema, dialect="duckdb", expression_metadata=_METADATA)


@cache
def _macros() -> Mapping[str, tuple[tuple[str, ...], exp.Expr]]:
    """Parameters and body of each macro, by name."""
    found = {}
    for signature, body in MACROS.items():
        name, _, parameters = signature.rstrip(")").partition("(")
        found[name] = (tuple(parameters.split(", ")), sqlglot.parse_one(body, read="duckdb"))
    return found


def _expanded(node: exp.Expr) -> exp.Expr:
    """A macro's call as what the macro says, save that Spark knows zones by itself."""
    if not isinstance(node, exp.Anonymous) or node.name.lower() not in _macros():
        return node
    arguments = [argument.copy().transform(_expanded) for argument in node.expressions]
    if node.name.lower() == "civil_date":
        return exp.cast(exp.Anonymous(this="civil_date", expressions=arguments), "date")
    parameters, body = _macros()[node.name.lower()]
    given = dict(zip(parameters, arguments, strict=True))
    filled = body.copy().transform(lambda part: given.get(part.name, part).copy() if isinstance(part, exp.Column) else part)
    return exp.paren(filled)


def _translate(node: exp.Expr) -> None:
    rule = _RULES.get(type(node))
    if rule is None:
        if type(node) not in _SAME:
            raise _Unknown(f"it holds {type(node).__name__} ({_shown(node)})")
        return
    new = rule(node)
    if new is not node:
        new.type = node.type
        node.replace(new)


def _shown(node: exp.Expr) -> str:
    """The start of a part of a query: models hold no values of persons."""
    return node.sql("duckdb")[:80]


class _Kind(StrEnum):
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


_KINDS = {
    **dict.fromkeys((*exp.DataType.SIGNED_INTEGER_TYPES, exp.DType.INT128), _Kind.WHOLE),
    exp.DType.DECIMAL: _Kind.DECIMAL,
    exp.DType.DOUBLE: _Kind.DOUBLE,
    **dict.fromkeys(exp.DataType.TEXT_TYPES, _Kind.TEXT),
    exp.DType.DATE: _Kind.DATE,
    exp.DType.TIMESTAMP: _Kind.MOMENT,
    exp.DType.TIMESTAMPNTZ: _Kind.MOMENT,
    exp.DType.INTERVAL: _Kind.SPAN,
    exp.DType.BOOLEAN: _Kind.TRUTH,
    exp.DType.NULL: _Kind.NOTHING,
}


def _kind(node: exp.Expr) -> _Kind:
    """What a part of a query is.

    Raises:
        _Unknown: no rule of types knows.
    """
    kind = _KINDS.get(node.type.this) if node.type else None
    if kind is None:
        raise _Unknown(f"the type of {_shown(node)} is not known")
    return kind


def _call(name: str, *arguments: exp.Expr | str | int) -> exp.Expr:
    """A function by its name in Spark; a number is a whole one, a text a literal."""
    return exp.Anonymous(this=name, expressions=[exp.convert(a) for a in arguments])


def _as(node: exp.Expr, kind: str) -> exp.Expr:
    return exp.Cast(this=node.copy(), to=exp.DataType.build(kind, dialect="spark"))


def _whole_number(node: exp.Expr) -> exp.Expr:
    """DuckDB counts years and days in 64 bits, Spark in 32."""
    return _as(node, "bigint")


def _power_of_ten(digits: int) -> exp.Expr:
    return exp.Literal.number(f"1{'0' * digits}")


def _digits(node: exp.Expr | None) -> int:
    if node is None:
        return 0
    if not (isinstance(node, exp.Literal) and node.is_int):
        raise _Unknown(f"a number of digits is no literal ({_shown(node)})")
    return int(node.name)


def _scale(node: exp.Expr) -> int:
    parts = node.type.expressions if node.type else []
    if len(parts) < 2:
        raise _Unknown(f"the scale of {_shown(node)} is not known")
    return int(parts[1].name)


def _table(node: exp.Table) -> exp.Expr:
    if not node.db:
        return node
    name = exp.to_identifier(spark_name(node.db, node.name))
    return exp.Table(this=name, alias=node.args.get("alias"), joins=node.args.get("joins"))


def _with(node: exp.With) -> exp.Expr:
    if node.args.get("recursive"):
        raise _Unknown("it is recursive")
    return node


def _divided(node: exp.Div) -> exp.Expr:
    """DuckDB divides doubles whatever it is given; Spark decimals as decimals."""
    return exp.paren(
        exp.Div(this=_as(node.this, "double"), expression=_as(node.expression, "double"))
    )


def _divided_whole(node: exp.IntDiv) -> exp.Expr:
    """Towards nought in both; DuckDB divides what is not whole as doubles."""
    if {_kind(node.this), _kind(node.expression)} != {_Kind.WHOLE}:
        raise _Unknown(f"`//` of what is not whole ({_shown(node)})")
    quotient = exp.IntDiv(this=exp.paren(node.this), expression=exp.paren(node.expression))
    return exp.paren(quotient)


def _remainder(node: exp.Mod) -> exp.Expr:
    if _Kind.DOUBLE in {_kind(node.this), _kind(node.expression)}:
        raise _Unknown(f"`%` of doubles ({_shown(node)})")
    return node


def _rounded(node: exp.Round) -> exp.Expr:
    """Half away from nought in both; a double by its bits in DuckDB, by its digits in Spark."""
    digits = _digits(node.args.get("decimals"))
    if _kind(node.this) is not _Kind.DOUBLE or not digits:
        return _call("round", node.this, digits)
    power = _as(_power_of_ten(digits), "double")
    shifted = exp.Mul(this=exp.paren(node.this), expression=power)
    return exp.paren(exp.Div(this=_call("round", shifted, 0), expression=power.copy()))


_TO_TEXT = {_Kind.TEXT, _Kind.WHOLE, _Kind.DECIMAL, _Kind.DATE, _Kind.TRUTH, _Kind.NOTHING}
_SAME_CAST = {
    _Kind.WHOLE: {_Kind.WHOLE, _Kind.TRUTH, _Kind.TEXT},
    _Kind.DECIMAL: {_Kind.WHOLE, _Kind.DECIMAL, _Kind.TEXT},
    _Kind.DOUBLE: {_Kind.WHOLE, _Kind.DECIMAL, _Kind.DOUBLE},
    _Kind.TEXT: _TO_TEXT,
    _Kind.DATE: {_Kind.DATE, _Kind.MOMENT, _Kind.TEXT},
    _Kind.MOMENT: {_Kind.DATE, _Kind.MOMENT},
    _Kind.TRUTH: {_Kind.TRUTH},
}
"""What may be cast to it from what, with the same result."""
_TO_WHOLE: Mapping[_Kind, Callable[[exp.Expr], exp.Expr]] = {
    _Kind.DECIMAL: lambda node: _call("round", node, 0),
    _Kind.DOUBLE: lambda node: _call("rint", node),
}
"""DuckDB rounds, half of a decimal away from nought and half of a double to even; Spark cuts off."""


def _cast(node: exp.Cast) -> exp.Expr:
    to = _KINDS.get(node.to.this)
    if isinstance(node.this, exp.Explode):  # in Spark a generator stands outermost
        array = exp.DataType.build(f"array<{_type(node.to).sql('spark')}>", dialect="spark")
        return exp.Explode(this=exp.Cast(this=node.this.this, to=array))
    if isinstance(node.this, exp.Null):
        return type(node)(this=node.this, to=_type(node.to))
    given = _kind(node.this)
    if to is _Kind.DECIMAL and given is _Kind.DOUBLE:
        return _decimal_of_double(node)
    if to is _Kind.WHOLE and given in _TO_WHOLE:
        return type(node)(this=_TO_WHOLE[given](node.this), to=_type(node.to))
    is_literal = to is _Kind.MOMENT and isinstance(node.this, exp.Literal)
    if to is None or not (given in _SAME_CAST[to] or given is _Kind.NOTHING or is_literal):
        raise _Unknown(f"cast of {given} to {node.to.sql('duckdb')} ({_shown(node)})")
    return type(node)(this=node.this, to=_type(node.to))


def _type(kind: exp.DataType) -> exp.DataType:
    """A type of DuckDB's as Spark has it."""
    if kind.is_type(exp.DType.INT128):
        return exp.DataType.build("decimal(38, 0)", dialect="spark")
    if kind.is_type(exp.DType.TIMESTAMP):
        return exp.DataType.build("timestamp_ntz", dialect="spark")
    return kind


def _decimal_of_double(node: exp.Cast) -> exp.Expr:
    """DuckDB rounds the double's bits, Spark its digits: 1.005 is 1.00 in one and 1.01 in other."""
    width, scale = (int(part.name) for part in node.to.expressions)
    if width > _WIDEST:
        raise _Unknown(f"cast of a double to {node.to.sql('duckdb')}")
    power = _as(_power_of_ten(scale), "double")
    shifted = exp.Mul(this=exp.paren(node.this), expression=power)
    units = _as(_as(_call("round", shifted, 0), "bigint"), "decimal(20, 0)")
    unit = _as(exp.Literal.string(f"1e-{scale}"), f"decimal({scale + 1}, {scale})")
    return _as(exp.Mul(this=units, expression=unit), f"decimal({width}, {scale})")


def _summed_wide(node: exp.Mul) -> exp.Expr:
    """DuckDB multiplies sums in 128 bits."""
    if node.type and node.type.is_type(exp.DType.INT128):
        node.set("this", _as(exp.paren(node.this), "decimal(38, 0)"))
    return node


def _averaged(node: exp.Avg) -> exp.Expr:
    """DuckDB's is a double; of decimals that of their exact sum in units of the last digit."""
    if _kind(node.this) is not _Kind.DECIMAL:
        return _call("avg", _as(node.this, "double"))
    if isinstance(node.parent, exp.Window | exp.Filter):
        raise _Unknown(f"average of decimals in a window or with a filter ({_shown(node)})")
    unit = _as(_power_of_ten(_scale(node.this)), "decimal(38, 0)")
    units = _as(exp.Mul(this=_call("sum", node.this), expression=unit), "double")
    counted = exp.Mul(this=_call("count", node.this), expression=_as(unit, "double"))
    return exp.paren(exp.Div(this=units, expression=exp.paren(counted)))


def _median(node: exp.Median) -> exp.Expr:
    """Of decimals DuckDB's is a decimal, the lower one where the middle lies between two."""
    if _kind(node.this) is _Kind.WHOLE:
        return _call("median", node.this)
    if _kind(node.this) is not _Kind.DECIMAL or isinstance(node.parent, exp.Window | exp.Filter):
        raise _Unknown(f"median of {_kind(node.this)} ({_shown(node)})")
    scale = _scale(node.this)
    power = _as(_power_of_ten(scale), "decimal(38, 0)")
    units = _as(exp.Mul(this=exp.paren(node.this), expression=power), "bigint")
    middle = _as(_call("floor", _call("median", units)), "decimal(20, 0)")
    unit = _as(exp.Literal.string(f"1e-{scale}"), f"decimal({scale + 1}, {scale})")
    return exp.paren(exp.Mul(this=middle, expression=unit))


def _at_greatest(node: exp.ArgMax | exp.ArgMin) -> exp.Expr:
    """DuckDB passes over rows without a value; Spark would take one."""
    name = "max_by" if isinstance(node, exp.ArgMax) else "min_by"
    has_value = exp.not_(exp.Is(this=node.this.copy(), expression=exp.null()))
    by = exp.Case(ifs=[exp.If(this=has_value, true=node.expression)])
    return _call(name, node.this, by)


def _truncated(node: exp.TimestampTrunc) -> exp.Expr:
    return _as(_call("date_trunc", _unit(node), node.this), "timestamp_ntz")


def _unit(node: exp.Expr) -> str:
    unit = node.args["unit"].name.upper() if node.args.get("unit") else ""
    if unit not in _UNITS:
        raise _Unknown(f"the unit of {_shown(node)}")
    return unit


def _moved(node: exp.Add | exp.Sub) -> exp.Expr:
    """A day moved by an interval is a moment in DuckDB; between days lie days, no interval."""
    left, right = node.this, node.expression
    kinds = (_kind(left), _kind(right))
    match kinds:
        case (_Kind.DATE | _Kind.MOMENT, _Kind.SPAN):
            moved = type(node)(this=_as(left, "timestamp_ntz"), expression=right)
            return exp.paren(moved)
        case (_Kind.DATE, _Kind.WHOLE):
            name = "date_add" if isinstance(node, exp.Add) else "date_sub"
            return _call(name, left, _as(right, "int"))
        case (_Kind.DATE, _Kind.DATE) if isinstance(node, exp.Sub):
            return _whole_number(_call("datediff", left, right))
    if not set(kinds) <= {_Kind.WHOLE, _Kind.DECIMAL, _Kind.DOUBLE, _Kind.NOTHING}:
        raise _Unknown(f"{kinds[0]} and {kinds[1]} in {_shown(node)}")
    return node


def _interval(node: exp.Interval) -> exp.Expr:
    count = node.this
    if not (isinstance(count, exp.Literal) and count.name.isdigit()):
        raise _Unknown(f"an interval of no fixed length ({_shown(node)})")
    return _span(exp.Literal.number(count.name), _unit(node))


def _span(count: exp.Expr, unit: str) -> exp.Expr:
    count = _as(count, "int")
    match unit:
        case "DAY":
            return _call("make_dt_interval", count)
        case "MONTH":
            return _call("make_ym_interval", 0, count)
        case "QUARTER":
            months = exp.Mul(this=count, expression=exp.Literal.number(3))
            return _call("make_ym_interval", 0, months)
    return _call("make_ym_interval", count)


def _between(node: exp.DateDiff) -> exp.Expr:
    """Midnights, or turns of the second, that lie between."""
    unit = node.args["unit"].name.upper()
    if unit == "DAY":
        return _whole_number(_call("datediff", node.this, node.expression))
    if unit != "SECOND":
        raise _Unknown(f"the unit of {_shown(node)}")
    from_, to = (_call("date_trunc", unit, part) for part in (node.expression, node.this))
    return _call("timestampdiff", exp.var(unit), from_, to)


def _part_of_date(node: exp.Func) -> exp.Expr:
    return _whole_number(_call(_PARTS[type(node)], node.this))


def _date(node: exp.DateFromParts) -> exp.Expr:
    parts = (node.args[part] for part in ("year", "month", "day"))
    return _call("make_date", *(_as(part, "int") for part in parts))


def _exploded(node: exp.Explode) -> exp.Expr:
    """Spark lets a generator stand outermost in a select list alone."""
    if not isinstance(node.parent, exp.Alias | exp.Cast | exp.Select):
        raise _Unknown(f"`unnest` within {_shown(node.parent or node)}")
    return node


def _series(node: exp.GenerateSeries) -> exp.Expr:
    """From a greater start to a lesser end DuckDB's is empty; Spark's runs backwards."""
    start, end, step = node.args["start"], node.args["end"], node.args.get("step")
    if step is not None and _kind(step) is _Kind.SPAN:
        start, end = _as(start, "timestamp_ntz"), _as(end, "timestamp_ntz")
    elif step is not None:
        raise _Unknown(f"a step other than an interval ({_shown(node)})")
    else:
        start, end = _whole_number(start), _whole_number(end)
    steps = [start.copy(), end.copy(), *([step] if step is not None else [])]
    is_due = exp.LTE(this=start, expression=end)
    return exp.Case(ifs=[exp.If(this=is_due, true=_call("sequence", *steps))])


def _joined_text(node: exp.GroupConcat) -> exp.Expr:
    """In a stated order alone."""
    if not isinstance(node.this, exp.Order):
        raise _Unknown(f"texts joined in no stated order ({_shown(node)})")
    joined = _call("listagg", node.this.this, node.args["separator"])
    order = exp.Order(expressions=node.this.expressions)
    return exp.WithinGroup(this=joined, expression=order)


def _concatenated(node: exp.Concat) -> exp.Expr:
    """DuckDB's function takes what is missing for nothing, Spark's gives nothing."""
    return _call("concat", *(_call("coalesce", _text(part), "") for part in node.expressions))


def _piped(node: exp.DPipe) -> exp.Expr:
    return _call("concat", _text(node.this), _text(node.expression))


def _text(node: exp.Expr) -> exp.Expr:
    kind = _kind(node)
    if kind not in _TO_TEXT:
        raise _Unknown(f"{kind} as text ({_shown(node)})")
    return node if kind is _Kind.TEXT else _as(node, "string")


def _part_of_text(node: exp.Substring) -> exp.Expr:
    """From before the first character the two count differently."""
    start = node.args.get("start")
    if not (isinstance(start, exp.Literal) and start.is_int and int(start.name) >= 1):
        raise _Unknown(f"the start of {_shown(node)}")
    length = node.args.get("length")
    return _call("substring", node.this, start, *([length] if length else []))


def _position(node: exp.StrPosition) -> exp.Expr:
    return _whole_number(_call("instr", node.this, node.args["substr"]))


def _split(node: exp.Split) -> exp.Expr:
    """By a text in DuckDB, by a pattern in Spark."""
    separator = node.expression
    if not (isinstance(separator, exp.Literal) and separator.name in _PLAIN):
        raise _Unknown(f"the separator of {_shown(node)}")
    return _call("split", node.this, separator)


def _extracted(node: exp.RegexpExtract) -> exp.Expr:
    group = _digits(node.args.get("group"))
    return _call("regexp_extract", node.this, _pattern(node.expression), group)


def _replaced(node: exp.RegexpReplace) -> exp.Expr:
    modifiers = node.args.get("modifiers")
    if modifiers is None or modifiers.name != "g":
        raise _Unknown(f"a pattern replaced once ({_shown(node)})")
    return _call("regexp_replace", node.this, _pattern(node.expression), node.args["replacement"])


def _pattern(node: exp.Expr) -> exp.Expr:
    """Of what RE2 and Java read alike."""
    if not (isinstance(node, exp.Literal) and _SIMPLE_PATTERN.fullmatch(node.name)):
        raise _Unknown(f"the pattern {_shown(node)}")
    return node


def _like(node: exp.Like) -> exp.Expr:
    """Spark takes a backslash for an escape, DuckDB for itself."""
    plain = _call("replace", node.expression, chr(92), chr(92) * 2)
    return exp.Like(this=node.this, expression=plain)


def _to_double(node: exp.Func) -> exp.Expr:
    arguments = (part for part in (node.this, node.args.get("expression")) if part is not None)
    return _call(_DOUBLES[type(node)], *(_as(part, "double") for part in arguments))


def _floor(node: exp.Floor) -> exp.Expr:
    down = _call("floor", node.this)
    return _as(down, "double") if _kind(node.this) is _Kind.DOUBLE else down


def _any_value(node: exp.AnyValue) -> exp.Expr:
    """DuckDB's is the first that is not missing; the wrapper around it says so to SQLGlot."""
    return _call("any_value", node.this, exp.true())


def _ignored(node: exp.IgnoreNulls) -> exp.Expr:
    inner = node.this
    if isinstance(inner, exp.Anonymous) and inner.name == "any_value":
        return inner
    raise _Unknown(f"`ignore nulls` of {_shown(inner)}")


def _named(node: exp.Anonymous) -> exp.Expr:
    """A function that SQLGlot has no word for."""
    match node.name.lower():
        case "civil_date":
            return _call("from_utc_timestamp", node.expressions[0], _CIVIL_ZONE)
        case "to_months":
            return _span(node.expressions[0], "MONTH")
        case "arg_max_null":
            return _call("max_by", *node.expressions)
        case "bit_count":
            return _call("bit_count", *node.expressions)
    raise _Unknown(f"it calls {node.name.lower()}")


_DOUBLES = {exp.Sqrt: "sqrt", exp.Exp: "exp", exp.Ln: "ln", exp.Pow: "power"}
_PARTS = {exp.Year: "year", exp.Month: "month", exp.Day: "day", exp.DayOfYear: "dayofyear"}

_SAME = frozenset(
    {
        # Clauses and names
        *(exp.Select, exp.From, exp.CTE, exp.Join, exp.Where, exp.Group, exp.Having, exp.Union),
        *(exp.Subquery, exp.Table, exp.TableAlias, exp.Column, exp.Identifier, exp.Alias, exp.Var),
        *(exp.Order, exp.Ordered, exp.Window, exp.WindowSpec, exp.Qualify, exp.Filter, exp.Star),
        *(exp.Distinct, exp.Values, exp.Tuple, exp.Paren, exp.Literal, exp.Null, exp.Boolean),
        *(exp.DataType, exp.DataTypeParam, exp.Exists),
        # Comparison and logic
        *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is),
        *(exp.NullSafeEQ, exp.NullSafeNEQ, exp.And, exp.Or, exp.Not),
        *(exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Greatest, exp.Least),
        # Numbers
        *(exp.Neg, exp.Abs),
        # Aggregates and windows
        *(exp.Sum, exp.Count, exp.Min, exp.Max, exp.LogicalAnd, exp.LogicalOr, exp.BitwiseOrAgg),
        *(exp.RowNumber, exp.DenseRank, exp.CumeDist, exp.Lag, exp.Lead, exp.FirstValue),
        # Dates and texts
        *(exp.LastDay, exp.Lower, exp.Upper, exp.Trim, exp.Replace, exp.Translate, exp.MD5),
    }
)
"""What means the same in both as SQLGlot writes it."""

_RULES: Mapping[type[exp.Expr], Callable[..., exp.Expr]] = {
    exp.Table: _table,
    exp.With: _with,
    exp.Add: _moved,
    exp.Sub: _moved,
    exp.Mul: _summed_wide,
    exp.Div: _divided,
    exp.IntDiv: _divided_whole,
    exp.Mod: _remainder,
    exp.Round: _rounded,
    exp.Floor: _floor,
    exp.Sign: lambda node: _as(_call("sign", node.this), "tinyint"),
    **dict.fromkeys(_DOUBLES, _to_double),
    exp.Cast: _cast,
    exp.TryCast: _cast,
    exp.Avg: _averaged,
    exp.Median: _median,
    exp.ArgMax: _at_greatest,
    exp.ArgMin: _at_greatest,
    exp.AnyValue: _any_value,
    exp.IgnoreNulls: _ignored,
    exp.GroupConcat: _joined_text,
    exp.TimestampTrunc: _truncated,
    exp.Interval: _interval,
    exp.DateDiff: _between,
    **dict.fromkeys(_PARTS, _part_of_date),
    exp.DateFromParts: _date,
    exp.GenerateSeries: _series,
    exp.Explode: _exploded,
    exp.Concat: _concatenated,
    exp.DPipe: _piped,
    exp.Substring: _part_of_text,
    exp.StrPosition: _position,
    exp.Split: _split,
    exp.RegexpExtract: _extracted,
    exp.RegexpReplace: _replaced,
    exp.Like: _like,
    exp.Anonymous: _named,
}
"""What means something else, or is written otherwise: each gives the part in Spark's words."""


def _type_of_first(annotator: Any, node: exp.Expr) -> exp.Expr:  # noqa: ANN401 - SQLGlot's own
    annotator._annotate_by_args(node, "this")
    return node


def _type_of_sum(annotator: Any, node: exp.Expr) -> exp.Expr:  # noqa: ANN401
    kind = _KINDS.get(node.this.type.this)
    if kind is _Kind.DECIMAL:
        return _typed_as(annotator, node, exp.DataType.build(f"decimal(38, {_scale(node.this)})"))
    return _typed_as(annotator, node, {_Kind.WHOLE: exp.DType.INT128, _Kind.DOUBLE: exp.DType.DOUBLE}.get(kind, exp.DType.UNKNOWN))


def _typed_as(annotator: Any, node: exp.Expr, kind: exp.DataType | exp.DType) -> exp.Expr:  # noqa: ANN401
    annotator._set_type(node, kind)
    return node


def _type_of_median(annotator: Any, node: exp.Expr) -> exp.Expr:  # noqa: ANN401
    is_decimal = node.this.type.is_type(exp.DType.DECIMAL)
    return _typed_as(annotator, node, node.this.type if is_decimal else exp.DType.DOUBLE)


def _type_of_moved(annotator: Any, node: exp.Expr) -> exp.Expr:  # noqa: ANN401
    kinds = (_KINDS.get(node.this.type.this), _KINDS.get(node.expression.type.this))
    if kinds == (_Kind.DATE, _Kind.DATE):
        return _typed_as(annotator, node, exp.DType.BIGINT)
    if kinds == (_Kind.DATE, _Kind.WHOLE):
        return _typed_as(annotator, node, exp.DType.DATE)
    if kinds[1] is _Kind.SPAN and kinds[0] in {_Kind.DATE, _Kind.MOMENT}:
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


_METADATA = {
    **DuckDB.EXPRESSION_METADATA,
    **dict.fromkeys(
        (exp.ArgMax, exp.ArgMin, exp.Round, exp.Floor, exp.BitwiseOrAgg), {"annotator": _type_of_first}
    ),
    **dict.fromkeys(
        (exp.Replace, exp.Translate, exp.RegexpExtract, exp.RegexpReplace),
        {"returns": exp.DType.VARCHAR},
    ),
    exp.Split: {"returns": exp.DataType.build("array<varchar>")},
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
