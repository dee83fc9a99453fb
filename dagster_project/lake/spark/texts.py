"""Texts as Spark writes them: where DuckDB's functions and operators mean something else.

Here: joining, cutting, patterns. Not here: numbers as text (`arithmetic.TO_TEXT`).
"""

from __future__ import annotations

import re

from sqlglot import exp

from dagster_project.lake.spark.arithmetic import TO_TEXT, as_, call, digits_of, whole_number
from dagster_project.lake.spark.types import Kind, NotCarried, kind_of, shown

_PLAIN = frozenset({",", ";", "/"})
"""Separators that are no more than themselves in a pattern."""
_SIMPLE_PATTERN = re.compile(r"[^\\?]+|([^\\(]|\((?!\?))+")
"""Patterns without backslashes and without groups of a kind of their own."""


def joined_text(node: exp.GroupConcat) -> exp.Expr:
    """In a stated order alone."""
    if not isinstance(node.this, exp.Order):
        raise NotCarried(f"texts joined in no stated order ({shown(node)})")
    joined = call("listagg", node.this.this, node.args["separator"])
    order = exp.Order(expressions=node.this.expressions)
    return exp.WithinGroup(this=joined, expression=order)


def concatenated(node: exp.Concat) -> exp.Expr:
    """DuckDB's function takes what is missing for nothing, Spark's gives nothing."""
    return call("concat", *(call("coalesce", _text(part), "") for part in node.expressions))


def piped(node: exp.DPipe) -> exp.Expr:
    """With something missing nothing comes of it, in both."""
    return call("concat", _text(node.this), _text(node.expression))


def _text(node: exp.Expr) -> exp.Expr:
    kind = kind_of(node)
    if kind not in TO_TEXT:
        raise NotCarried(f"{kind} as text ({shown(node)})")
    return node if kind is Kind.TEXT else as_(node, "string")


def part_of_text(node: exp.Substring) -> exp.Expr:
    """From before the first character the two count differently."""
    start = node.args.get("start")
    if not (isinstance(start, exp.Literal) and start.is_int and int(start.name) >= 1):
        raise NotCarried(f"the start of {shown(node)}")
    length = node.args.get("length")
    return call("substring", node.this, start, *([length] if length else []))


def position_of(node: exp.StrPosition) -> exp.Expr:
    """From one on, nought where it is not there."""
    return whole_number(call("instr", node.this, node.args["substr"]))


def split_text(node: exp.Split) -> exp.Expr:
    """By a text in DuckDB, by a pattern in Spark."""
    separator = node.expression
    if not (isinstance(separator, exp.Literal) and separator.name in _PLAIN):
        raise NotCarried(f"the separator of {shown(node)}")
    return call("split", node.this, separator)


def extracted(node: exp.RegexpExtract) -> exp.Expr:
    """The whole match unless told otherwise; Spark would take the first group."""
    group = digits_of(node.args.get("group"))
    return call("regexp_extract", node.this, _pattern(node.expression), group)


def replaced(node: exp.RegexpReplace) -> exp.Expr:
    """Every match; without the modifier DuckDB replaces the first alone."""
    modifiers = node.args.get("modifiers")
    if modifiers is None or modifiers.name != "g":
        raise NotCarried(f"a pattern replaced once ({shown(node)})")
    return call("regexp_replace", node.this, _pattern(node.expression), node.args["replacement"])


def _pattern(node: exp.Expr) -> exp.Expr:
    """Of what RE2 and Java read alike."""
    if not (isinstance(node, exp.Literal) and _SIMPLE_PATTERN.fullmatch(node.name)):
        raise NotCarried(f"the pattern {shown(node)}")
    return node


def alike(node: exp.Like) -> exp.Expr:
    """Spark takes a backslash for an escape, DuckDB for itself."""
    plain = call("replace", node.expression, chr(92), chr(92) * 2)
    return exp.Like(this=node.this, expression=plain)
