"""Dates and times as Spark reckons them, where DuckDB's functions mean something else.

Here: intervals, parts and spans, series of days. Not here: numbers (`arithmetic`).
"""

from __future__ import annotations

from sqlglot import exp

from dagster_project.lake.spark.arithmetic import as_, call, whole_number
from dagster_project.lake.spark.types import Kind, NotCarried, kind_of, shown

_UNITS = frozenset({"DAY", "MONTH", "QUARTER", "YEAR"})


def truncated(node: exp.TimestampTrunc) -> exp.Expr:
    """A timestamp, of a date too."""
    unit = node.args["unit"].name.upper()
    if unit not in {*_UNITS, "HOUR"}:
        raise NotCarried(f"the unit of {shown(node)}")
    return as_(call("date_trunc", unit, node.this), "timestamp_ntz")


def _unit(node: exp.Expr) -> str:
    unit = node.args["unit"].name.upper() if node.args.get("unit") else ""
    if unit not in _UNITS:
        raise NotCarried(f"the unit of {shown(node)}")
    return unit


def moved(node: exp.Add | exp.Sub) -> exp.Expr:
    """A day moved by an interval is a moment in DuckDB; between days lie days, no interval."""
    left, right = node.this, node.expression
    kinds = (kind_of(left), kind_of(right))
    match kinds:
        case (Kind.DATE | Kind.MOMENT, Kind.SPAN):
            moved = type(node)(this=as_(left, "timestamp_ntz"), expression=right)
            return exp.paren(moved)
        case (Kind.DATE, Kind.WHOLE):
            name = "date_add" if isinstance(node, exp.Add) else "date_sub"
            return call(name, left, as_(right, "int"))
        case (Kind.DATE, Kind.DATE) if isinstance(node, exp.Sub):
            return whole_number(call("datediff", left, right))
    if not set(kinds) <= {Kind.WHOLE, Kind.DECIMAL, Kind.DOUBLE, Kind.NOTHING}:
        raise NotCarried(f"{kinds[0]} and {kinds[1]} in {shown(node)}")
    return node


def interval_of(node: exp.Interval) -> exp.Expr:
    """An interval of a stated length."""
    count = node.this
    if not (isinstance(count, exp.Literal) and count.name.isdigit()):
        raise NotCarried(f"an interval of no fixed length ({shown(node)})")
    return span(exp.Literal.number(count.name), _unit(node))


def span(count: exp.Expr, unit: str) -> exp.Expr:
    """An interval of so many units."""
    count = as_(count, "int")
    match unit:
        case "DAY":
            return call("make_dt_interval", count)
        case "MONTH":
            return call("make_ym_interval", 0, count)
        case "QUARTER":
            months = exp.Mul(this=count, expression=exp.Literal.number(3))
            return call("make_ym_interval", 0, months)
    return call("make_ym_interval", count)


def between(node: exp.DateDiff) -> exp.Expr:
    """Midnights, or turns of the second, that lie between."""
    unit = node.args["unit"].name.upper()
    if unit == "DAY":
        return whole_number(call("datediff", node.this, node.expression))
    if unit != "SECOND":
        raise NotCarried(f"the unit of {shown(node)}")
    from_, to = (call("date_trunc", unit, part) for part in (node.expression, node.this))
    return call("timestampdiff", exp.var(unit), from_, to)


PARTS = {exp.Year: "year", exp.Month: "month", exp.Day: "day", exp.DayOfYear: "dayofyear"}
"""Parts of a date, by their function in Spark."""


def part_of_date(node: exp.Func) -> exp.Expr:
    """A part of a date, as a whole number."""
    return whole_number(call(PARTS[type(node)], node.this))


def date_of_parts(node: exp.DateFromParts) -> exp.Expr:
    """A date, an error where there is none such."""
    parts = (node.args[part] for part in ("year", "month", "day"))
    return call("make_date", *(as_(part, "int") for part in parts))


def exploded(node: exp.Explode) -> exp.Expr:
    """Spark lets a generator stand outermost in a select list alone."""
    if not isinstance(node.parent, exp.Alias | exp.Cast | exp.Select):
        raise NotCarried(f"`unnest` within {shown(node.parent or node)}")
    return node


def series_of(node: exp.GenerateSeries) -> exp.Expr:
    """From a greater start to a lesser end DuckDB's is empty; Spark's runs backwards."""
    start, end, step = node.args["start"], node.args["end"], node.args.get("step")
    if step is not None and kind_of(step) is Kind.SPAN:
        start, end = as_(start, "timestamp_ntz"), as_(end, "timestamp_ntz")
    elif step is not None:
        raise NotCarried(f"a step other than an interval ({shown(node)})")
    else:
        start, end = whole_number(start), whole_number(end)
    steps = [start.copy(), end.copy(), *([step] if step is not None else [])]
    is_due = exp.LTE(this=start, expression=end)
    return exp.Case(ifs=[exp.If(this=is_due, true=call("sequence", *steps))])
