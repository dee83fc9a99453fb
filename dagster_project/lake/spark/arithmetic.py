"""Numbers as Spark reckons them: where DuckDB's functions and operators mean something else.

Here: division, rounding, casts, aggregates. Not here: dates (`times`), texts (`texts`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

from sqlglot import exp

from dagster_project.lake.spark.types import KINDS, Kind, NotCarried, kind_of, scale_of, shown

_WIDEST = 18
"""Digits of a decimal that a double is cast to: its units fit 64 bits."""


def call(name: str, *arguments: exp.Expr | str | int) -> exp.Expr:
    """A function by its name in Spark; a number is a whole one, a text a literal."""
    return exp.Anonymous(this=name, expressions=[exp.convert(a) for a in arguments])


def as_(node: exp.Expr, kind: str) -> exp.Expr:
    """A part cast to a type of Spark's."""
    return exp.Cast(this=node.copy(), to=exp.DataType.build(kind, dialect="spark"))


def whole_number(node: exp.Expr) -> exp.Expr:
    """DuckDB counts years and days in 64 bits, Spark in 32."""
    return as_(node, "bigint")


def _power_of_ten(digits: int) -> exp.Expr:
    return exp.Literal.number(f"1{'0' * digits}")


def digits_of(node: exp.Expr | None) -> int:
    """A whole number that a query states; nought where it states none.

    Raises:
        NotCarried: it is reckoned.
    """
    if node is None:
        return 0
    if not (isinstance(node, exp.Literal) and node.is_int):
        raise NotCarried(f"a number of digits is no literal ({shown(node)})")
    return int(node.name)


def divided(node: exp.Div) -> exp.Expr:
    """DuckDB divides doubles whatever it is given; Spark decimals as decimals."""
    return exp.paren(
        exp.Div(this=as_(node.this, "double"), expression=as_(node.expression, "double"))
    )


def divided_whole(node: exp.IntDiv) -> exp.Expr:
    """Towards nought in both; DuckDB divides what is not whole as doubles."""
    if {kind_of(node.this), kind_of(node.expression)} != {Kind.WHOLE}:
        raise NotCarried(f"`//` of what is not whole ({shown(node)})")
    quotient = exp.IntDiv(this=exp.paren(node.this), expression=exp.paren(node.expression))
    if node.type is None or not node.type.is_type(exp.DType.INT128):
        return exp.paren(quotient)
    # Of wide numbers Spark keeps 64 bits of the quotient, without a word.
    size = call(
        "abs", exp.Div(this=as_(node.this, "double"), expression=as_(node.expression, "double"))
    )
    is_wide = exp.GT(this=size, expression=exp.Literal.number("9.2E18"))
    error = call("raise_error", "a quotient does not fit 64 bits")
    return exp.paren(exp.Case(ifs=[exp.If(this=is_wide, true=error)], default=quotient))


def remainder(node: exp.Mod) -> exp.Expr:
    """Of the sign of what is divided in both."""
    if Kind.DOUBLE in {kind_of(node.this), kind_of(node.expression)}:
        raise NotCarried(f"`%` of doubles ({shown(node)})")
    return node


def rounded(node: exp.Round) -> exp.Expr:
    """Half away from nought in both; a double by its bits in DuckDB, by its digits in Spark."""
    digits = digits_of(node.args.get("decimals"))
    if kind_of(node.this) is not Kind.DOUBLE or not digits:
        return call("round", node.this, digits)
    power = as_(_power_of_ten(digits), "double")
    shifted = exp.Mul(this=exp.paren(node.this), expression=power)
    return exp.paren(exp.Div(this=call("round", shifted, 0), expression=power.copy()))


TO_TEXT = {Kind.TEXT, Kind.WHOLE, Kind.DECIMAL, Kind.DATE, Kind.TRUTH, Kind.NOTHING}
_SAME_CAST = {
    Kind.WHOLE: {Kind.WHOLE, Kind.TRUTH, Kind.TEXT},
    Kind.DECIMAL: {Kind.WHOLE, Kind.DECIMAL, Kind.TEXT},
    Kind.DOUBLE: {Kind.WHOLE, Kind.DECIMAL, Kind.DOUBLE},
    Kind.TEXT: TO_TEXT,
    Kind.DATE: {Kind.DATE, Kind.MOMENT, Kind.TEXT},
    Kind.MOMENT: {Kind.DATE, Kind.MOMENT},
    Kind.TRUTH: {Kind.TRUTH},
}
"""What may be cast to it from what, with the same result."""
_TO_WHOLE: Mapping[Kind, Callable[[exp.Expr], exp.Expr]] = {
    Kind.DECIMAL: lambda node: call("round", node, 0),
    Kind.DOUBLE: lambda node: call("rint", node),
}
"""DuckDB rounds, half a decimal away from nought and half a double to even; Spark cuts off."""


def casted(node: exp.Cast) -> exp.Expr:
    """Casts that give the same, or are made to."""
    to = KINDS.get(node.to.this)
    if isinstance(node.this, exp.Explode):  # in Spark a generator stands outermost
        array = exp.DataType.build(f"array<{_type(node.to).sql('spark')}>", dialect="spark")
        return exp.Explode(this=exp.Cast(this=node.this.this, to=array))
    if isinstance(node.this, exp.Null):
        return type(node)(this=node.this, to=_type(node.to))
    given = kind_of(node.this)
    if to is Kind.DECIMAL and given is Kind.DOUBLE:
        return _decimal_of_double(node)
    if to is Kind.WHOLE and given in _TO_WHOLE:
        return type(node)(this=_TO_WHOLE[given](node.this), to=_type(node.to))
    is_literal = to is Kind.MOMENT and isinstance(node.this, exp.Literal)
    if to is None or not (given in _SAME_CAST[to] or given is Kind.NOTHING or is_literal):
        raise NotCarried(f"cast of {given} to {node.to.sql('duckdb')} ({shown(node)})")
    return type(node)(this=node.this, to=_type(node.to), safe=isinstance(node, exp.TryCast))


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
        raise NotCarried(f"cast of a double to {node.to.sql('duckdb')}")
    power = as_(_power_of_ten(scale), "double")
    shifted = exp.Mul(this=exp.paren(node.this), expression=power)
    units = as_(as_(call("round", shifted, 0), "bigint"), "decimal(20, 0)")
    unit = as_(exp.Literal.string(f"1e-{scale}"), f"decimal({scale + 1}, {scale})")
    return as_(exp.Mul(this=units, expression=unit), f"decimal({width}, {scale})")


def summed_wide(node: exp.Mul) -> exp.Expr:
    """DuckDB multiplies sums in 128 bits."""
    if node.type and node.type.is_type(exp.DType.INT128):
        node.set("this", as_(exp.paren(node.this), "decimal(38, 0)"))
    return node


def averaged(node: exp.Avg) -> exp.Expr:
    """DuckDB's is a double; of decimals that of their exact sum in units of the last digit."""
    if kind_of(node.this) is not Kind.DECIMAL:
        return call("avg", as_(node.this, "double"))
    if isinstance(node.parent, exp.Window | exp.Filter):
        raise NotCarried(f"average of decimals in a window or with a filter ({shown(node)})")
    unit = as_(_power_of_ten(scale_of(node.this)), "decimal(38, 0)")
    units = as_(exp.Mul(this=call("sum", node.this), expression=unit), "double")
    counted = exp.Mul(this=call("count", node.this), expression=as_(unit, "double"))
    return exp.paren(exp.Div(this=units, expression=exp.paren(counted)))


def median(node: exp.Median) -> exp.Expr:
    """Of decimals DuckDB's is a decimal, the lower one where the middle lies between two."""
    if kind_of(node.this) is Kind.WHOLE:
        return call("median", node.this)
    if kind_of(node.this) is not Kind.DECIMAL or isinstance(node.parent, exp.Window | exp.Filter):
        raise NotCarried(f"median of {kind_of(node.this)} ({shown(node)})")
    scale = scale_of(node.this)
    power = as_(_power_of_ten(scale), "decimal(38, 0)")
    units = as_(exp.Mul(this=exp.paren(node.this), expression=power), "bigint")
    middle = as_(call("floor", call("median", units)), "decimal(20, 0)")
    unit = as_(exp.Literal.string(f"1e-{scale}"), f"decimal({scale + 1}, {scale})")
    return exp.paren(exp.Mul(this=middle, expression=unit))


def at_greatest(node: exp.ArgMax | exp.ArgMin) -> exp.Expr:
    """DuckDB passes over rows without a value; Spark would take one."""
    name = "max_by" if isinstance(node, exp.ArgMax) else "min_by"
    has_value = exp.not_(exp.Is(this=node.this.copy(), expression=exp.null()))
    by = exp.Case(ifs=[exp.If(this=has_value, true=node.expression)])
    return call(name, node.this, by)


DOUBLES = {exp.Sqrt: "sqrt", exp.Exp: "exp", exp.Ln: "ln", exp.Pow: "power"}
"""Functions of doubles, by their name in Spark."""


def to_double(node: exp.Func) -> exp.Expr:
    """A function of doubles, whatever it is given."""
    arguments = (part for part in (node.this, node.args.get("expression")) if part is not None)
    return call(DOUBLES[type(node)], *(as_(part, "double") for part in arguments))


def floored(node: exp.Floor) -> exp.Expr:
    """Of a double a double in DuckDB, a whole number in Spark."""
    down = call("floor", node.this)
    return as_(down, "double") if kind_of(node.this) is Kind.DOUBLE else down


def any_value(node: exp.AnyValue) -> exp.Expr:
    """DuckDB's is the first that is not missing; the wrapper around it says so to SQLGlot."""
    return call("any_value", node.this, exp.true())


def ignored(node: exp.IgnoreNulls) -> exp.Expr:
    """What SQLGlot puts around `any_value`; nothing else."""
    inner = node.this
    if isinstance(inner, exp.Anonymous) and inner.name == "any_value":
        return inner
    raise NotCarried(f"`ignore nulls` of {shown(inner)}")
