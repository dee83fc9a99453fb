"""A lake whose heavy models run on Spark holds what one built by DuckDB alone holds.

Here: builds over few tables, whole and by months, on the real lake; in the deep tier every model
over the synthetic region. Not here: functions one by one (`tests/spec/test_spark_functions.py`),
what goes wrong (`tests/faults/test_spark_faults.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import duckdb
import pytest
import sqlglot
from sqlglot import exp

from dagster_project import pipeline
from dagster_project.lake.connection import Lake
from dagster_project.lake.placement import queries_of_views
from dagster_project.lake.spark.engine import Spark
from dagster_project.lake.spark.translation import typed
from dagster_project.lake.spark.types import KINDS, Kind
from dagster_project.settings import Settings
from tests.pipeline.conftest import Region
from tests.support import homes, small_region
from tests.support.deliveries import reference_lists
from tests.support.few_tables import few_tables
from tests.support.small_region import JUNE, MAY
from tests.support.spark import make_small, needs_spark, placed, spark_files

PLACED = (
    "core.encounter",  # by months, incremental
    "core.enrolment",  # windows, compared with what stands
    "core.person",
    "core.person_alias",  # recursive
    "mart.enrolled_by_provider",  # ages, texts, several parents
)


@pytest.fixture(scope="module", autouse=True)
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    with pytest.MonkeyPatch.context() as patch:
        make_small(patch, tmp_path_factory.mktemp("conf"))
        yield


def on_spark(settings: Settings) -> Settings:
    small = {"engine": "spark", "threads": 1, "memory_limit_gib": 1.0}
    return Settings(**(settings.model_dump() | small))


@needs_spark
def test_builds_by_months_are_those_of_duckdb(tmp_path: Path) -> None:
    ours = homes.new_settings(tmp_path / "duckdb")
    theirs = on_spark(homes.new_settings(tmp_path / "spark", keys=ours.keys))
    definition = placed(few_tables(), *PLACED)
    with (
        pipeline.open_session(ours, definition=definition) as plain,
        pipeline.open_session(theirs, definition=definition) as beside,
    ):
        may = [*reference_lists(), *small_region.of_month(MAY)]
        assert homes.run(plain, *may).build_id == homes.run(beside, *may).build_id
        assert homes.differences(homes.contents(plain), homes.contents(beside)) == {}

        june = small_region.of_month(JUNE)
        whole = {built.model: built.rebuilt for built in homes.run(plain, *june).models}
        assert {b.model: b.rebuilt for b in homes.run(beside, *june).models} == whole
        assert whole["core.encounter"].endswith("months")
        assert homes.differences(homes.contents(plain), homes.contents(beside)) == {}

        registered = beside.lake.rows(
            "select data_file from ducklake_list_files('lake', 'encounter', schema => 'core')"
        )
    assert registered
    assert all(Path(file).name.startswith("spark-") for (file,) in registered)
    assert spark_files(theirs)
    assert not spark_files(ours)


@pytest.mark.deep
@needs_spark
def test_every_model_gives_the_same_on_spark(region: Region) -> None:
    """Keys, decimals to the digit, missing values and counts; doubles to nine decimals."""
    session = region.session
    definition = session.definition
    lake = Lake(session.lake.connection, on_spark(session.lake.settings))
    engine = Spark(lake, definition.graph, queries_of_views(definition.catalogue))
    unlike = {}
    for model in definition.graph.models:
        if model.full_name in definition.placement.cannot:
            continue
        with engine.rows(model) as rows:
            columns = ", ".join(
                f'round("{name}", 9) as "{name}"' if kind == "DOUBLE" else f'"{name}"'
                for name, kind, *_ in lake.rows(f"describe lake.{model.full_name}")
            )
            sides = (
                f"select {columns} from lake.{model.full_name}",
                f"select {columns} from {rows.relation}",
            )
            counts = [
                lake.count(f"select count(*) from ({one} except all {other})")
                for one, other in (sides, sides[::-1])
            ]
        if counts != [0, 0]:
            unlike[model.full_name] = counts
    engine.close()
    assert unlike == {}


TYPES = {
    Kind.WHOLE: ("TINYINT", "SMALLINT", "INTEGER", "BIGINT", "HUGEINT"),
    Kind.DECIMAL: ("DECIMAL",),
    Kind.DOUBLE: ("DOUBLE",),
    Kind.TEXT: ("VARCHAR",),
    Kind.DATE: ("DATE",),
    Kind.MOMENT: ("TIMESTAMP",),
    Kind.SPAN: ("INTERVAL",),
    Kind.TRUTH: ("BOOLEAN",),
}
READ_BY_TYPE = (
    *(exp.Round, exp.Floor, exp.Cast, exp.TryCast, exp.IntDiv, exp.Mod, exp.Add, exp.Sub, exp.Mul),
    *(exp.Avg, exp.Median, exp.Sum, exp.Concat, exp.DPipe),
)
"""What is translated by the types of its parts."""


def of_type(part: exp.Expr) -> exp.Expr:
    """The part, or an error where DuckDB takes it for something else."""
    assert part.type is not None
    names = ", ".join(f"'{name}'" for name in TYPES[KINDS[part.type.this]])
    judged = sqlglot.parse_one(
        f"case when split_part(typeof(part), '(', 1) in ({names}) then part"
        " else error('another type') end",
        read="duckdb",
    )
    filled = judged.transform(
        lambda node: part.copy() if isinstance(node, exp.Column) and node.name == "part" else node
    )
    return exp.paren(filled)


def parts_read_by_type(tree: exp.Expr) -> list[exp.Expr]:
    """Innermost first; of a literal, an interval or a list nobody doubts what it is."""
    found = []
    for node in tree.walk():
        if isinstance(node, READ_BY_TYPE):
            parts = (node.this, node.args.get("expression"), *node.expressions)
            found += [part for part in parts if isinstance(part, exp.Expr)]
    plain = (exp.Literal, exp.Null, exp.Interval, exp.DataType, exp.Explode, exp.Distinct)
    stands_for_date = "civil_date"
    return [
        part
        for part in reversed(found)
        if not isinstance(part, plain)
        and not (isinstance(part, exp.Anonymous) and part.name == stands_for_date)
    ]


@pytest.mark.deep
def test_types_that_the_translation_rests_on_are_those_of_duckdb(region: Region) -> None:
    """No Spark is needed: DuckDB is asked, row by row, whether each part is of its type."""
    lake, graph = region.session.lake, region.session.definition.graph
    engine = Spark(lake, graph, {})
    wrong = []
    for model in graph.models:
        tree = typed(model.sql, engine.columns(model.reads))
        for part in parts_read_by_type(tree):
            part.replace(of_type(part))
        try:
            lake.execute(f"create or replace temp table audited as {tree.sql('duckdb')}")
        except duckdb.InvalidInputException as error:
            wrong.append((model.full_name, str(error)))
    assert wrong == []
