"""A model's query, which is DuckDB's SQL, as Spark's: the same rows, or a refusal.

SQLGlot knows both grammars and writes names, joins and clauses. What means something else in Spark
though it looks alike (rounding, division, intervals, empty series, missing values in a greatest)
is put into Spark's words here, by the types that SQLGlot finds; and what stands neither in `_SAME`
nor in `_RULES` is refused, for nobody has held it against DuckDB. Spark runs with ANSI rules and
without loss of decimals (see `session`): what overflows or cannot be cast is an error.

Here: the translation, clause by clause. Not here: functions (`arithmetic`, `times`, `texts`), types
(`types`), running it (`engine`).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import cache

import sqlglot
from sqlglot import exp
from sqlglot.errors import SqlglotError
from sqlglot.optimizer.annotate_types import annotate_types
from sqlglot.optimizer.qualify import qualify
from sqlglot.schema import MappingSchema

from dagster_project.errors import BuildError
from dagster_project.lake.casts import MACROS
from dagster_project.lake.spark import arithmetic, texts, times
from dagster_project.lake.spark.arithmetic import as_, call
from dagster_project.lake.spark.types import COERCES_TO, METADATA, NotCarried, shown

Columns = Mapping[str, Mapping[str, Mapping[str, str]]]
"""Type of each column, by schema and table."""

_CIVIL_ZONE = "Europe/Helsinki"


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
        tree = typed(sql, columns)
        # Children first, so that a rule finds its own arguments in Spark's words.
        for node in reversed(list(tree.walk())):
            tree = _translated(node) or tree
        return tree.sql("spark", identify=True)
    except (NotCarried, SqlglotError) as error:
        raise BuildError(
            f"{what} cannot run on Spark: {error}. Write it otherwise, give lake/spark a rule and"
            " a test, or place the model on DuckDB in sql/placement.yaml"
        ) from None


def typed(sql: str, columns: Columns) -> exp.Expr:
    """The query with macros written out, each column's table named, and types found."""
    kinds: dict[str, object] = {
        schema: {
            table: {name: _without_digits(kind) for name, kind in of.items()}
            for table, of in tables.items()
        }
        for schema, tables in columns.items()
    }
    known = MappingSchema(kinds, dialect="duckdb", normalize=False)
    tree = sqlglot.parse_one(sql, read="duckdb").transform(_expanded)
    for table in tree.find_all(exp.Table):
        table.set("catalog", None)
    tree = qualify(tree, schema=known, dialect="duckdb", validate_qualify_columns=False)
    _note_scales(tree, columns)
    return annotate_types(
        tree,
        schema=known,
        dialect="duckdb",
        expression_metadata=METADATA,
        coerces_to=COERCES_TO,
    )


def _without_digits(kind: str) -> exp.DataType:
    """A column's type; of two types SQLGlot takes the one that states digits, whatever it is."""
    if kind.startswith("DECIMAL"):
        return exp.DataType(this=exp.DType.DECIMAL)
    return exp.DataType.build(kind, dialect="duckdb")


def _note_scales(tree: exp.Expr, columns: Columns) -> None:
    """Have columns of tables tell the digits after their point, where a function asks for them."""
    for function in tree.find_all(exp.Avg, exp.Median):
        column, query = function.this, function.find_ancestor(exp.Select)
        if not isinstance(column, exp.Column) or query is None:
            continue
        sources = [part.this for part in (query.args["from_"], *query.args.get("joins", ()))]
        for table in sources:
            if isinstance(table, exp.Table) and table.db and table.alias_or_name == column.table:
                kind = columns[table.db][table.name][column.name]
                column.meta["scale"] = kind.rstrip(")").partition(",")[2] or 0


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
    filled = body.copy().transform(
        lambda part: given.get(part.name, part).copy() if isinstance(part, exp.Column) else part
    )
    return exp.paren(filled)


def _translated(node: exp.Expr) -> exp.Expr | None:
    """Put a part into Spark's words where it stands; the whole query anew, where the part is it."""
    rule = _RULES.get(type(node))
    if rule is None and type(node) not in _SAME | _CLAUSES:
        raise NotCarried(f"it holds {type(node).__name__} ({shown(node)})")
    new = rule(node) if rule else node
    if new is node:
        return None
    new.type = node.type
    is_root = node.parent is None
    node.replace(new)
    return new if is_root else None


def _table(node: exp.Table) -> exp.Expr:
    if not node.db:
        return node
    name = exp.to_identifier(spark_name(node.db, node.name))
    return exp.Table(this=name, alias=node.args.get("alias"), joins=node.args.get("joins"))


def _cte(node: exp.CTE) -> exp.Expr:
    node.set("materialized", None)  # a hint, which Spark does not know
    return node


def _union(node: exp.Union) -> exp.Expr:
    if node.args.get("by_name"):
        raise NotCarried("it joins columns by their names (`union by name`)")
    return node


def _join(node: exp.Join) -> exp.Expr:
    if node.args.get("method"):
        raise NotCarried(f"it joins in a way of DuckDB's own ({shown(node)})")
    return node


def _distinct(node: exp.Distinct) -> exp.Expr:
    if node.args.get("on"):
        raise NotCarried("it takes one row of several, whichever (`distinct on`)")
    return node


def _qualified(node: exp.Select) -> exp.Expr:
    """Spark has no `qualify`: its windows become columns of a query within, and it a `where`."""
    qualify_ = node.args.get("qualify")
    if qualify_ is None:
        return node
    names = node.named_selects
    node.set("qualify", None)
    condition = exp.Where(this=qualify_.this)
    parts: list[exp.Expr] = [*condition.find_all(exp.Window)]
    parts += [c for c in condition.find_all(exp.Column) if not c.find_ancestor(exp.Window)]
    for number, part in enumerate(parts):
        column = exp.column(f"_judged_{number}", quoted=True)
        part.replace(column)
        node.select(exp.alias_(part, f"_judged_{number}", quoted=True), copy=False)
    distinct, with_ = node.args.get("distinct"), node.args.get("with_")
    node.set("distinct", None)
    node.set("with_", None)
    within = exp.Subquery(this=node.copy(), alias=exp.TableAlias(this=exp.to_identifier("_judged")))
    outer = exp.select(*(exp.column(name, quoted=True) for name in names)).from_(within)
    outer.set("where", condition)
    outer.set("distinct", distinct)
    outer.set("with_", with_)
    return outer


_NAMED: Mapping[str, Callable[[exp.Anonymous], exp.Expr]] = {
    "civil_date": lambda node: call("from_utc_timestamp", node.expressions[0], _CIVIL_ZONE),
    "to_months": lambda node: times.span(node.expressions[0], "MONTH"),
    "arg_max_null": lambda node: call("max_by", *node.expressions),
    "bit_count": lambda node: call("bit_count", *node.expressions),
}
"""Functions that SQLGlot has no word for."""


def _named(node: exp.Anonymous) -> exp.Expr:
    rule = _NAMED.get(node.name.lower())
    if rule is None:
        raise NotCarried(f"it calls {node.name.lower()}")
    return rule(node)


_CLAUSES = frozenset(
    {
        *(
            exp.From,
            exp.Join,
            exp.Where,
            exp.Group,
            exp.Having,
            exp.Order,
            exp.Ordered,
            exp.Qualify,
        ),
        *(exp.With, exp.Values, exp.Tuple, exp.Subquery, exp.WindowSpec),
        *(exp.TableAlias, exp.Column, exp.Identifier, exp.Alias, exp.Var, exp.Star, exp.Paren),
        *(exp.Literal, exp.Null, exp.Boolean, exp.DataType, exp.DataTypeParam),
    }
)
"""What a query is put together from."""
_SAME = frozenset(
    {
        *(exp.EQ, exp.NEQ, exp.GT, exp.GTE, exp.LT, exp.LTE, exp.Between, exp.In, exp.Is),
        *(exp.NullSafeEQ, exp.NullSafeNEQ, exp.And, exp.Or, exp.Not, exp.Exists),
        *(exp.Case, exp.If, exp.Coalesce, exp.Nullif, exp.Greatest, exp.Least, exp.Neg, exp.Abs),
        *(exp.Sum, exp.Count, exp.Min, exp.Max, exp.LogicalAnd, exp.LogicalOr, exp.BitwiseOrAgg),
        *(exp.Filter, exp.Window, exp.RowNumber, exp.DenseRank, exp.CumeDist),
        *(exp.Lag, exp.Lead, exp.FirstValue),
        *(exp.LastDay, exp.Lower, exp.Upper, exp.Trim, exp.Replace, exp.Translate, exp.MD5),
    }
)
"""Functions that mean the same in both as SQLGlot writes them: each has a test."""

_RULES: Mapping[type[exp.Expr], Callable[..., exp.Expr]] = {
    exp.Select: _qualified,
    exp.Table: _table,
    exp.CTE: _cte,
    exp.Union: _union,
    exp.Join: _join,
    exp.Distinct: _distinct,
    exp.Add: times.moved,
    exp.Sub: times.moved,
    exp.Mul: arithmetic.summed_wide,
    exp.Div: arithmetic.divided,
    exp.IntDiv: arithmetic.divided_whole,
    exp.Mod: arithmetic.remainder,
    exp.Round: arithmetic.rounded,
    exp.Floor: arithmetic.floored,
    exp.Sign: lambda node: as_(call("sign", node.this), "tinyint"),
    **dict.fromkeys(arithmetic.DOUBLES, arithmetic.to_double),
    exp.Cast: arithmetic.casted,
    exp.TryCast: arithmetic.casted,
    exp.Avg: arithmetic.averaged,
    exp.Median: arithmetic.median,
    exp.ArgMax: arithmetic.at_greatest,
    exp.ArgMin: arithmetic.at_greatest,
    exp.AnyValue: arithmetic.any_value,
    exp.IgnoreNulls: arithmetic.ignored,
    exp.GroupConcat: texts.joined_text,
    exp.TimestampTrunc: times.truncated,
    exp.Interval: times.interval_of,
    exp.DateDiff: times.between,
    **dict.fromkeys(times.PARTS, times.part_of_date),
    exp.DateFromParts: times.date_of_parts,
    exp.GenerateSeries: times.series_of,
    exp.Explode: times.exploded,
    exp.Concat: texts.concatenated,
    exp.DPipe: texts.piped,
    exp.Substring: texts.part_of_text,
    exp.StrPosition: texts.position_of,
    exp.Split: texts.split_text,
    exp.RegexpExtract: texts.extracted,
    exp.RegexpReplace: texts.replaced,
    exp.Like: texts.alike,
    exp.Anonymous: _named,
}
"""What means something else, or is written otherwise: each gives the part in Spark's words."""


def carried_functions() -> frozenset[str]:
    """Names of all functions and operators that a query on Spark may hold."""
    kinds = (_SAME | _RULES.keys()) - {
        exp.Select,
        exp.Table,
        exp.CTE,
        exp.Anonymous,
        exp.IgnoreNulls,
    }
    return frozenset(kind.__name__ for kind in kinds) | _NAMED.keys() | _macros().keys()
