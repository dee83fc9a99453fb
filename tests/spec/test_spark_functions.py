"""Every function that models may use on Spark gives what DuckDB gives, for values at the edges.

Here: functions and operators, one by one; that none is allowed without a case; what is refused.
Not here: whole models (`tests/pipeline/test_spark_parity.py`).
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project.errors import BuildError
from dagster_project.lake.casts import CREATE_MACROS
from dagster_project.lake.spark.translation import carried_functions, to_spark
from tests.support.spark import needs_spark, small_spark

COLUMNS = {
    "id": "INTEGER",
    "whole": "BIGINT",
    "small": "INTEGER",
    "eur": "DECIMAL(18, 2)",
    "factor": "DECIMAL(18, 8)",
    "measure": "DOUBLE",
    "word": "VARCHAR",
    "day": "DATE",
    "moment": "TIMESTAMP",
    "is_so": "BOOLEAN",
}
ROWS = """
    (1, 0, 0, 0.00, 0.00000000, 0.0, '',
    date '2020-02-29', timestamp '2017-03-26 00:59:59', true),
    (2, 1, 2, 0.01, 0.00000001, 0.5, ' a ',
    date '2019-12-31', timestamp '2017-03-26 01:00:00', false),
    (3, -7, 3, -0.01, -1.00000005, 1.005, 'Äiti,isä',
    date '2020-01-31', timestamp '2017-10-29 00:59:59.5', null),
    (4, 7, -2, 2.50, 2.67500000, -1.005, 'a,b,,c',
    date '1900-01-01', timestamp '2017-10-29 01:00:00', true),
    (5, 9007199254740993, 2147483, -2.50, 0.05000000, 2.675, 'x%_y',
    date '2017-03-26', timestamp '2017-12-31 22:00:00', true),
    (6, -4000000000000000, -3, 3.55, 123456.78901234, 2.5, 'x\\y',
    date '2016-02-29', timestamp '1999-07-01 12:30:45', false),
    (7, 42, 5, 99999999.99, 0.33333333, 0.49999999999999994, '12,5',
    date '2017-12-31', timestamp '2024-02-29 23:59:59', null),
    (8, 43, 5, 1.04, 0.66666667, 1000000.0625, '<12',
    date '2099-12-31', timestamp '2020-06-15 00:00:00', true),
    (9, null, null, null, null, null, null,
    null, null, null)
"""

SCALARS: dict[str, tuple[str, ...]] = {
    "Abs": ("abs(whole)", "abs(eur)", "abs(measure)"),
    "Add": (
        "whole + small",
        "eur + factor",
        "eur + 1",
        "measure + eur",
        "day + 1",
        "day + small",
        "cast(day + interval 1 month as date)",
        "day + interval 1 month",
        "day + interval 12 month",
        "day + interval 3 day",
        "moment + interval 1 year",
        "moment + interval 1 quarter",
    ),
    "And": ("is_so and whole > 0",),
    "Between": ("whole between 0 and 7", "day between date '2017-01-01' and date '2020-01-31'"),
    "Case": ("case when is_so then eur when whole > 0 then factor else 0 end",),
    "Cast": (
        "cast(measure as decimal(18, 2))",
        "cast(measure as decimal(12, 4))",
        "cast(eur as decimal(18, 1))",
        "cast(factor as decimal(18, 2))",
        "cast(eur as double)",
        "cast(factor as bigint)",
        "cast(eur as bigint)",
        "cast(measure as bigint)",
        "cast(is_so as integer)",
        "cast(whole as varchar)",
        "cast(eur as varchar)",
        "cast(factor as varchar)",
        "cast(day as varchar)",
        "cast(is_so as varchar)",
        "cast(moment as date)",
        "cast(day as timestamp)",
        "cast('2020-02-03' as date)",
        "cast(null as date)",
        "cast(small as hugeint) * 1000000000000000000",
    ),
    "Coalesce": ("coalesce(eur, 0)", "coalesce(word, 'none')", "coalesce(day, date '2000-01-01')"),
    "Concat": ("concat(word, ',', small)", "concat('<', word, '>')"),
    "DPipe": ("word || '/' || word", "word || small"),
    "DateDiff": (
        "date_diff('day', date '2017-01-01', day)",
        "date_diff('day', cast(moment as date), day)",
        "date_diff('second', timestamp '2000-01-01 00:00:00', moment)",
    ),
    "DateFromParts": ("make_date(year(day), month(day), 1)",),
    "Day": ("day(day)",),
    "DayOfYear": ("dayofyear(day)",),
    "Div": ("eur / 3", "whole / 7", "factor / 3", "measure / 3", "1 / 3.0", "eur * 100 / 7"),
    "Exp": ("exp(small / 1000000)",),
    "EQ": ("whole = small", "eur = factor", "word = ''", "day = moment"),
    "Floor": ("floor(eur)", "floor(measure)", "cast(floor(small / 100) as integer)"),
    "GT": ("whole > eur", "measure > factor", "word > 'a'"),
    "GTE": ("day >= moment", "eur >= 2.5"),
    "Greatest": (
        "greatest(eur, factor)",
        "greatest(day, date '2017-06-01')",
        "greatest(small, null)",
    ),
    "If": ("if(is_so, whole, small)",),
    "In": ("whole in (1, 7)", "word in ('', 'x%_y')"),
    "IntDiv": ("whole // 7", "whole // -7", "small // 2", "(whole + 1) // 2 // 3"),
    "Interval": ("day - interval 1 month",),
    "Is": ("is_so is true", "word is null", "is_so is not false"),
    "LT": ("word < 'Ä'", "whole < measure"),
    "LTE": ("day <= date '2017-03-26'",),
    "LastDay": ("last_day(day)",),
    "Least": ("least(eur, factor)", "least(day, null)"),
    "Like": (
        "word like '%,%'",
        "word like 'x%'",
        "'x\\y' like word",
        "word like '%' || word || '%'",
        "word like 'x_y'",
    ),
    "Ln": ("ln(abs(eur) + 1)",),
    "Lower": ("lower(word)",),
    "MD5": ("md5(word)", "md5(concat(cast(day as varchar), ':', cast(whole as varchar)))"),
    "Mod": ("whole % 7", "whole % -7", "small % 2", "(month(day) - 1) % 3"),
    "Month": ("month(day)", "month(moment)"),
    "Mul": (
        "eur * factor",
        "small * 3",
        "eur * 100",
        "measure * eur",
        "eur * cast(2.05 as decimal(3, 2))",
    ),
    "NEQ": ("word <> ''", "whole <> 7"),
    "Neg": ("-whole", "-eur", "-(eur - 1)"),
    "Not": ("not is_so",),
    "NullSafeEQ": ("whole is not distinct from small",),
    "NullSafeNEQ": ("word is distinct from ''",),
    "Nullif": ("nullif(whole, 0)", "nullif(word, '')"),
    "Or": ("is_so or whole > 0",),
    "Paren": ("(whole - 1) * 2",),
    "Pow": ("power(2, small % 10)", "measure ** 2"),
    "RegexpExtract": (
        "regexp_extract(word, '^[<>]')",
        "regexp_extract(word, '^[<>]?([0-9]+(,[0-9]+)?)$', 1)",
    ),
    "RegexpReplace": ("regexp_replace(word, '[ ^]', '', 'g')",),
    "Replace": ("replace(word, ',', '.')", "replace(word, 'a', '')"),
    "Round": (
        "round(measure, 2)",
        "round(measure)",
        "round(measure, 4)",
        "round(eur, 1)",
        "round(factor, 2)",
        "round(eur)",
        "round(cast(eur as double) / 7, 8)",
        "cast(round(eur * factor, 2) as decimal(18, 2))",
        "cast(round(cast(eur as double) / 3, 2) as decimal(18, 2))",
    ),
    "Sign": ("sign(eur)", "sign(whole)"),
    "Sqrt": ("sqrt(abs(eur))",),
    "StrPosition": ("strpos(word, ',')", "strpos(word, '')"),
    "Sub": (
        "whole - small",
        "eur - factor",
        "day - 1",
        "day - date '2017-01-01'",
        "day - interval 12 month",
        "date_trunc('month', day) - to_months(small % 5)",
    ),
    "Substring": ("substring(word, 1, 2)", "substring(word, 2)"),
    "TimestampTrunc": (
        "date_trunc('month', day)",
        "date_trunc('quarter', moment)",
        "cast(date_trunc('year', day) as date)",
        "date_trunc('hour', moment)",
    ),
    "Translate": ("translate(word, 'äÄ,', 'aA')",),
    "Trim": ("trim(word)",),
    "TryCast": ("try_cast(replace(word, ',', '.') as decimal(18, 2))", "try_cast(word as bigint)"),
    "Upper": ("upper(word)",),
    "Year": ("year(day)", "year(moment) * 100 + month(moment)"),
    "age_years": ("age_years(day, date '2017-02-28')", "age_years(date '1980-02-29', day)"),
    "bit_count": ("bit_count(whole)",),
    "civil_date": ("civil_date(moment)",),
    "to_months": ("day + to_months(small % 5)",),
}
AGGREGATES: dict[str, tuple[str, ...]] = {
    "AnyValue": ("any_value(nullif(small % 2, 0))",),
    "ArgMax": (
        "arg_max(word, id)",
        "arg_max(eur, id)",
        "arg_max(word, (is_so, id))",
        "arg_max(word, id) filter (where whole > 0)",
    ),
    "ArgMin": ("arg_min(word, -id)",),
    "Avg": ("avg(factor)", "avg(small)", "avg(eur)"),
    "BitwiseOrAgg": ("bit_or(small)",),
    "Count": ("count(*)", "count(word)", "count(distinct small)", "count(*) filter (where is_so)"),
    "Filter": ("sum(eur) filter (where is_so)",),
    "GroupConcat": (
        "string_agg(word, ',' order by word desc)",
        "string_agg(word, ',' order by id)",
    ),
    "LogicalAnd": ("bool_and(is_so)",),
    "LogicalOr": ("bool_or(is_so)",),
    "Max": ("max(word)", "max(day)", "max(eur)"),
    "Median": ("median(whole)", "median(eur)", "median(small)"),
    "Min": ("min(word)", "min(moment)"),
    "Sum": (
        "sum(whole)",
        "sum(eur)",
        "sum(eur * factor)",
        "sum(small) * sum(small) * 1000000000000",
        "sum(case when is_so then 1 else 0 end)",
        "sum(small) // 3",
        "sum(eur) / count(*)",
        "(2 * sum(small) * 100000000 + count(*)) // (2 * count(*))",
    ),
    "arg_max_null": ("arg_max_null(word, id)",),
}
WINDOWS: dict[str, tuple[str, ...]] = {
    "CumeDist": ("cume_dist() over (order by small desc)",),
    "DenseRank": ("dense_rank() over (order by small)", "dense_rank() over (order by small desc)"),
    "FirstValue": ("first_value(word) over (partition by is_so order by id)",),
    "Lag": ("lag(eur) over (order by id)", "lag(word) over (partition by is_so order by day, id)"),
    "Lead": ("lead(day, 1, date '9999-12-31') over (order by id)",),
    "RowNumber": (
        "row_number() over (order by word, id)",
        "row_number() over (order by day desc, id)",
    ),
    "Window": (
        "sum(small) over (order by id)",
        "sum(eur) over (partition by is_so order by id rows between unbounded preceding"
        " and 1 preceding)",
        "max(whole) over (order by id rows between 1 following and unbounded following)",
    ),
}
QUERIES: dict[str, tuple[str, ...]] = {
    "Distinct": ("select distinct is_so, small % 2 as odd from core.edge",),
    "Exists": (
        "select id from core.edge as e where exists (select 1 from core.edge as f where"
        " f.small = e.whole)",
    ),
    "Explode": ("select id, unnest(string_split(word, ',')) as part from core.edge",),
    "GenerateSeries": (
        "select id, unnest(generate_series(small, 3)) as n from core.edge where small > -5",
        "select id, cast(unnest(generate_series(date '2016-01-01', day, interval 1"
        " month)) as date) as m"
        " from core.edge where id in (1, 4, 5, 9)",
        "select id, cast(unnest(generate_series(day, date '2017-03-29', interval 1"
        " day)) as date) as d"
        " from core.edge where id in (1, 5)",
    ),
    "Join": (
        "select e.id from core.edge as e anti join core.edge as f on e.small = f.whole",
        "select e.id from core.edge as e semi join core.edge as f on e.whole = f.small",
        "select e.id, f.id as other from core.edge as e left join core.edge as f on"
        " e.small = f.small",
        "select id, f.word as w from core.edge as e inner join core.edge as f using (id)",
        "select e.id, k.code from core.edge as e cross join (values ('a'), ('b')) as k (code)",
    ),
    "Qualify": (
        "select id, word from core.edge"
        " qualify row_number() over (partition by is_so order by day desc) = 1",
        "select distinct is_so, small from core.edge"
        " qualify small >= max(small) over (partition by is_so) or id = 2",
        "select is_so, sum(eur) as s from core.edge group by is_so"
        " qualify row_number() over (order by sum(eur)) = 1",
    ),
    "Split": ("select id, unnest(string_split(word, ';')) as part from core.edge",),
    "Subquery": (
        "select id from core.edge where whole not in (select small from core.edge where"
        " small is not null)",
        "select id from core.edge where day > (select min(day) from core.edge)",
    ),
    "Union": (
        "select id, eur from core.edge union all select id, factor from core.edge",
        "select small as a from core.edge union select whole from core.edge",
    ),
    "With": (
        "with recursive chain as (select 1 as n union all select n + 1 from chain where n < 5)"
        " select n from chain",
        "with once as materialized (select id from core.edge) select id from once",
    ),
}
Cases = list[tuple[str, str]]


def cases_of(given: dict[str, tuple[str, ...]]) -> Cases:
    return [(name, sql) for name, several in given.items() for sql in several]


@pytest.fixture(scope="module")
def lake() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect() as connection:
        connection.execute("set timezone = 'UTC'")
        connection.execute(CREATE_MACROS)
        connection.execute("create schema core")
        columns = ", ".join(f"{name} {kind}" for name, kind in COLUMNS.items())
        connection.execute(f"create table core.edge ({columns})")
        connection.execute(f"insert into core.edge values {ROWS}")
        yield connection


Rows = list[tuple[Any, ...]]


class Both:
    """The same queries on both engines, each asked once."""

    def __init__(self, lake: duckdb.DuckDBPyConnection, folder: Path, session: Any) -> None:
        self.lake, self.session, self.folder = lake, session, folder
        file = folder / "edge.parquet"
        lake.execute(f"copy core.edge to '{file}'")
        session.read.parquet(str(file)).createOrReplaceTempView("core__edge")
        self.kept: dict[str, tuple[Rows, Rows]] = {}

    def rows(self, sql: str) -> tuple[Rows, Rows]:
        """DuckDB's rows and Spark's, in one order."""
        if sql not in self.kept:
            ours = self.lake.execute(sql).fetchall()
            translated = to_spark(sql, {"core": {"edge": COLUMNS}}, "a case")
            files = self.folder / str(len(self.kept))
            self.session.sql(translated).write.parquet(str(files))
            theirs = self.lake.execute(f"from '{files}/*.parquet'").fetchall()
            self.kept[sql] = (in_order(ours), in_order(theirs))
        return self.kept[sql]


def in_order(rows: Rows) -> Rows:
    """Rows by their values, whole numbers and decimals of one kind."""
    return sorted((tuple(map(plain, row)) for row in rows), key=repr)


def plain(value: Any) -> Any:
    """A number without what only its type says."""
    if isinstance(value, int) and not isinstance(value, bool):
        return Decimal(value).normalize()
    return value.normalize() if isinstance(value, Decimal) else value


def same(one: Any, other: Any) -> bool:
    """Equal, of one kind; a double up to its last bit, in which libraries of logarithms differ."""
    if isinstance(one, float) and isinstance(other, float):
        return math.isclose(one, other, rel_tol=4e-16)
    return bool(one == other) and isinstance(one, float) == isinstance(other, float)


@pytest.fixture(scope="module")
def both(
    lake: duckdb.DuckDBPyConnection, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Both]:
    folder = tmp_path_factory.mktemp("spark")
    with small_spark(folder) as session:
        yield Both(lake, folder, session)


def together(cases: Cases, first: str) -> str:
    """One query of all cases, for each costs Spark half a second."""
    named = (f"{sql} as case_{number}" for number, (_, sql) in enumerate(cases))
    return f"select {first}{', '.join(named)} from core.edge"


def unlike(both: Both, query: str, cases: Cases, *, skip: int) -> list[tuple[Any, ...]]:
    """Cases in which the engines differ, with what each gives."""
    ours, theirs = both.rows(query)
    return [
        (case, one[number], other[number])
        for number, case in enumerate(cases, start=skip)
        for one, other in zip(ours, theirs, strict=True)
        if not same(one[number], other[number])
    ]


SCALAR, WINDOWED, AGGREGATED = map(cases_of, (SCALARS, WINDOWS, AGGREGATES))


@needs_spark
def test_functions_of_a_row_give_the_same(both: Both) -> None:
    assert unlike(both, together(SCALAR, "id, "), SCALAR, skip=1) == []


@needs_spark
def test_functions_of_windows_give_the_same(both: Both) -> None:
    assert unlike(both, together(WINDOWED, "id, "), WINDOWED, skip=1) == []


@needs_spark
def test_functions_of_groups_give_the_same(both: Both) -> None:
    query = together(AGGREGATED, "is_so, ") + " group by is_so"
    assert unlike(both, query, AGGREGATED, skip=1) == []


@needs_spark
@pytest.mark.parametrize(("name", "sql"), cases_of(QUERIES))
def test_clauses_give_the_same_rows(both: Both, name: str, sql: str) -> None:
    ours, theirs = both.rows(sql)
    assert ours, name
    assert ours == theirs


@needs_spark
def test_a_quotient_that_spark_would_cut_off_is_an_error(both: Both) -> None:
    with pytest.raises(Exception, match="a quotient does not fit 64 bits"):
        both.rows("select sum(whole) * 1000000000000 // 3 as a from core.edge")


def test_every_function_that_is_allowed_has_a_case() -> None:
    assert carried_functions() - {*SCALARS, *AGGREGATES, *WINDOWS, *QUERIES} == frozenset()


@pytest.mark.parametrize(
    "sql",
    [
        "select soundex(word) as a from core.edge",
        "select hash(word) as a from core.edge",
        "select list(word order by id) as a from core.edge",
        "select date_diff('month', day, moment) as a from core.edge",
        "select date_diff('week', day, moment) as a from core.edge",
        "select cast(measure as varchar) as a from core.edge",
        "select cast(moment as varchar) as a from core.edge",
        "select eur // 2 as a from core.edge",
        "select measure % 2 as a from core.edge",
        "select round(eur, small) as a from core.edge",
        "select median(measure) as a from core.edge",
        "select median(day) as a from core.edge",
        "select median(eur + 1) as a from core.edge",
        "select string_agg(word, ',') as a from core.edge",
        "select substring(word, 0, 2) as a from core.edge",
        "select substring(word, -2) as a from core.edge",
        "select string_split(word, '.') as a from core.edge",
        "select regexp_replace(word, 'a', 'b') as a from core.edge",
        "select regexp_extract(word, '\\bx') as a from core.edge",
        "select distinct on (is_so) id from core.edge",
        "select id from core.edge limit 3",
        "select id from core.edge using sample 10",
        "select avg(eur) over (order by id) as a from core.edge",
        "select unnest(string_split(word, ',')) || 'x' as a from core.edge",
        "select generate_series(1, 9, 2) as a from core.edge",
        "select day + interval (small) month as a from core.edge",
        "select last_value(word ignore nulls) over (order by id) as a from core.edge",
        "select day - moment as a from core.edge",
        "select moment - interval 2 hour as a from core.edge",
        "select unknown_column + 1 as a from core.edge",
        "from core.edge pivot (sum(eur) for is_so in (true, false))",
        "select id from core.edge union by name select id from core.edge",
        "select e.id from core.edge as e asof join core.edge as f on e.day >= f.day",
    ],
)
def test_what_nobody_has_held_against_duckdb_is_refused(sql: str) -> None:
    with pytest.raises(BuildError, match=r"mart\.x cannot run on Spark: .*sql/placement\.yaml"):
        to_spark(sql, {"core": {"edge": COLUMNS}}, "mart.x")
