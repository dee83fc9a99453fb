"""Spark beside the lake: it reads the lake's files, works a model out, writes Parquet.

DuckLake alone holds the catalogue. What Spark reads is what DuckLake lists for the newest snapshot,
and only where those files alone are the table: row count and a checksum of its key are compared
first. What Spark wrote is registered in the build's own transaction, so that either all of it
stands or nothing.

Here: inputs, runs, and how the rows come back. Not here: the SQL (`spark_sql`), how Spark is
started (`spark_session`), what is rebuilt (`builds`).
"""

from __future__ import annotations

import shutil
import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import sqlglot

from dagster_project.errors import BuildError
from dagster_project.lake.connection import Lake
from dagster_project.lake.engines import TOUCHED, Rows
from dagster_project.lake.spark.session import guarded, open_spark, stop
from dagster_project.lake.spark.translation import Columns, spark_name, to_spark
from dagster_project.sql_models import Model, ModelGraph, tables_read
from dagster_project.sql_text import literal, quoted

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

_VIEWS = frozenset({"effective", "current", "coded"})
"""Schemas of views over rows, which Spark reads through: the others are handed over as they are."""
_REGISTER = frozenset({"effective.delivery", "effective.withdrawn_delivery"})
"""Views over the register of deliveries, whose rows lie in the catalog."""
_STAGED_KEY = ("delivery_sequence", "record_number")
_TYPES = {
    "BIGINT": "bigint",
    "INTEGER": "int",
    "SMALLINT": "smallint",
    "TINYINT": "tinyint",
    "VARCHAR": "string",
    "DATE": "date",
    "TIMESTAMP": "timestamp_ntz",
    "BOOLEAN": "boolean",
    "DOUBLE": "double",
}
_PART = "_part"
"""Column that Spark makes folders by; the month itself stays in the files, for readers of files."""


@dataclass
class Spark:
    """Spark as an engine: started with the first model that needs it."""

    lake: Lake
    graph: ModelGraph
    views: Mapping[str, str]
    """Queries of `effective.<table>`, `current.<table>` and `coded.<name>`."""
    name: str = "spark"
    _seen: dict[str, tuple[str, ...]] = field(default_factory=dict)
    """Files of each table that were compared with the lake and are in Spark's view of it."""

    @cached_property
    def session(self) -> SparkSession:
        """The session, open until `close`."""
        return open_spark(self.lake.settings, self._folder)

    @property
    def _folder(self) -> Path:
        return self.lake.settings.temp / "spark"

    def close(self) -> None:
        """End the session, if one was begun."""
        if "session" in self.__dict__:
            stop(self.session)

    @contextmanager
    def rows(
        self, model: Model, *, of_touched: bool = False, read_twice: bool = False
    ) -> Iterator[Rows]:
        """The model's rows, as Parquet files that are not the lake's yet."""
        folder = self._folder / uuid.uuid4().hex
        try:
            with guarded(model.full_name):
                self._work_out(model, folder, of_touched=of_touched)
            written = _Written(self.lake, model, tuple(sorted(folder.rglob("*.parquet"))))
            with written.let_go_unless_done():
                yield written
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def _work_out(self, model: Model, folder: Path, *, of_touched: bool) -> None:
        frame = self.frame(model)
        if of_touched:
            months = [month for (month,) in self.lake.rows(f"select month from {TOUCHED}")]
            frame = frame.where(frame[str(model.partition)].isin(months))
        if model.partition:
            month = frame[model.partition]
            frame = frame.withColumn(_PART, month).repartition(_PART)
        writer = frame.write.option("compression", "lz4_raw")
        (writer.partitionBy(_PART) if model.partition else writer).parquet(str(folder))

    def frame(self, model: Model) -> DataFrame:
        """The model's rows with DuckDB's names and types of columns.

        Raises:
            BuildError: an input cannot be read as files, or the query cannot run on Spark.
        """
        sql = to_spark(model.sql, self.columns(model.reads), model.full_name)
        for name in sorted(model.reads):
            self._provide(name)
        return _as_described(self.session.sql(sql), self._described(model.sql), model.full_name)

    def _described(self, sql: str) -> dict[str, str]:
        return {name: kind for name, kind, *_ in self.lake.rows(f"describe {sql}")}

    def columns(self, names: frozenset[str]) -> Columns:
        """Columns of tables and views of the lake, with DuckDB's types."""
        found: dict[str, dict[str, dict[str, str]]] = {}
        for name in names:
            schema, table = name.split(".")
            found.setdefault(schema, {})[table] = self._described(f"from {schema}.{quoted(table)}")
        return found

    def _provide(self, name: str) -> None:
        """Have Spark see a table or view of the lake as the newest snapshot has it."""
        schema, table = name.split(".")
        if schema in _VIEWS and name not in _REGISTER:
            self._provide_view(schema, table)
        elif schema in {"ops", "rulebook"} or name in _REGISTER:
            self._hand_over(schema, table)
        else:
            self._provide_files(schema, table)

    def _provide_view(self, schema: str, table: str) -> None:
        sql = self.views[f"{schema}.{table}"]
        reads = tables_read(sqlglot.parse_one(sql, read="duckdb"))
        for name in sorted(reads):
            self._provide(name)
        if f"{schema}.{table}" not in self._seen:
            translated = to_spark(sql, self.columns(reads), f"{schema}.{table}")
            self.session.sql(f"create temporary view {spark_name(schema, table)} as {translated}")
            self._seen[f"{schema}.{table}"] = ()

    def _hand_over(self, schema: str, table: str) -> None:
        """Copy what lies in the catalog, or in a rulebook: small, and of no person."""
        name = f"{schema}.{quoted(table)}"
        file = self._folder / f"{spark_name(schema, table)}-{uuid.uuid4().hex}.parquet"
        file.parent.mkdir(parents=True, exist_ok=True)
        self.lake.execute(f"copy (from {name}) to {literal(str(file))} (format parquet)")
        self._read(schema, table, [str(file)])

    def _read(self, schema: str, table: str, files: Sequence[str]) -> None:
        described = self._described(f"from {schema}.{quoted(table)}").items()
        columns = ", ".join(f"`{column}` {_spark_type(kind)}" for column, kind in described)
        if files:
            frame = self.session.read.schema(columns).parquet(*files)
        else:
            empty = (f"cast(null as {_spark_type(kind)}) as `{name}`" for name, kind in described)
            frame = self.session.sql(f"select {', '.join(empty)} limit 0")
        frame.createOrReplaceTempView(spark_name(schema, table))

    def _provide_files(self, schema: str, table: str) -> None:
        """Have Spark read the files of a table, once they are known to be the whole of it.

        Raises:
            BuildError: they are not.
        """
        name = f"{schema}.{table}"
        listed = self._listed(schema, table)
        if any(deleted for _, deleted in listed):
            # Spark cannot see which rows: they are taken out of the files, as maintenance would.
            self.lake.execute(
                "call ducklake_rewrite_data_files('lake', ?, schema => ?, delete_threshold => 0)",
                [table, schema],
            )
            listed = self._listed(schema, table)
        files = tuple(file for file, _ in listed)
        if self._seen.get(name) == files:
            return
        self._read(schema, table, files)
        self._compare(schema, table)
        self._seen[name] = files

    def _listed(self, schema: str, table: str) -> list[tuple[str, str | None]]:
        """Files of a table in the newest snapshot, and of what is deleted in each."""
        return self.lake.rows(
            "select data_file, delete_file from ducklake_list_files('lake', ?, schema => ?)",
            [table, schema],
        )

    def _compare(self, schema: str, table: str) -> None:
        name = f"{schema}.{table}"
        key = [f"coalesce(cast({c} as varchar), '')" for c in map(quoted, self._key(name))]
        joined = f"concat_ws('|', {', '.join(key)})"
        ours = self.lake.rows(_CHECKSUM.format(units=_DUCKDB_UNITS.format(key=joined), table=name))
        units = _SPARK_UNITS.format(key=joined.replace('"', "`").replace("varchar", "string"))
        theirs = _CHECKSUM.format(units=units, table=spark_name(schema, table))
        row_count, checksum = ours[0]
        same = f"select 1 from ({theirs}) where rows = {row_count} and checksum = {checksum}"
        if self.session.sql(same).isEmpty():
            raise BuildError(
                f"{name}: its files alone are not what the lake holds (row count or key differ),"
                " as where rows lie in the catalog: place what reads it on DuckDB in"
                " sql/placement.yaml, or run with TIETOALLAS_ENGINE=duckdb"
            )

    def _key(self, name: str) -> Sequence[str]:
        model = next((m for m in self.graph.models if m.full_name == name), None)
        if model:
            return model.key
        if name.startswith("staging."):
            return _STAGED_KEY
        described = self._described(f"from {name}")
        return [column for column, kind in described.items() if kind != "DOUBLE"]


_CHECKSUM = (
    "select count(*) as rows, cast(coalesce(sum(cast({units} as decimal(38, 0))), 0)"
    " as decimal(38, 0)) as checksum from {table}"
)
_DUCKDB_UNITS = "cast('0x' || substr(md5({key}), 1, 15) as bigint)"
_SPARK_UNITS = "conv(substr(md5({key}), 1, 15), 16, 10)"
"""The first sixty bits of a key's digest: the same number in both."""


@dataclass(frozen=True)
class _Written:
    """Rows in files of Spark's."""

    lake: Lake
    model: Model
    files: tuple[Path, ...]
    _moved: list[Path] = field(default_factory=list)

    @property
    def relation(self) -> str:
        if not self.files:
            return f"({self.model.sql} limit 0) as model"
        files = ", ".join(literal(str(file)) for file in self.files)
        return f"read_parquet([{files}], hive_partitioning = false)"

    def create(self, table: str) -> None:
        """Make the table as DuckDB would, so that its types are DuckDB's."""
        self.lake.execute(f"create table {table} as {self.model.sql} limit 0")
        self.add_to(table)

    def add_to(self, table: str) -> None:
        """Move the files to where the table's lie, and register them."""
        catalog, schema, name = table.split(".")
        for file in self.files:
            place = self._place(file, schema, name)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.move(file, place)
            self._moved.append(place)
            self.lake.execute(
                f"call ducklake_add_data_files('{catalog}', ?, ?, schema => ?)",
                [name, str(place), schema],
            )

    def _place(self, file: Path, schema: str, name: str) -> Path:
        folder = self.lake.settings.lake / "data" / schema / name
        if self.model.partition:
            month = date.fromisoformat(file.parent.name.partition("=")[2])
            folder /= f"{self.model.partition}={month}"
        return folder / f"spark-{uuid.uuid4().hex}.parquet"

    @contextmanager
    def let_go_unless_done(self) -> Iterator[None]:
        """Remove what was moved where the block raises: no transaction registered it."""
        try:
            yield
        except BaseException:
            for file in self._moved:
                file.unlink(missing_ok=True)
            raise


def _spark_type(kind: str) -> str:
    return kind.lower() if kind.startswith("DECIMAL") else _TYPES[kind]


def _as_described(frame: DataFrame, described: dict[str, str], what: str) -> DataFrame:
    """The frame with DuckDB's names and widths; another kind of type is a refusal.

    Raises:
        BuildError: a column came out as something else than in DuckDB.
    """
    for field_, (name, kind) in zip(frame.schema.fields, described.items(), strict=True):
        if _family(field_.dataType.simpleString()) != _family(_spark_type(kind)):
            raise BuildError(
                f"{what}: column {name} comes out as {field_.dataType.simpleString()} on Spark and"
                f" as {kind} on DuckDB; cast it in the query"
            )
    columns = [
        frame[given].cast(_spark_type(kind)).alias(name)
        for given, (name, kind) in zip(frame.columns, described.items(), strict=True)
    ]
    return frame.select(*columns)


def _family(kind: str) -> str:
    """Types of one family differ in width alone: decimals of one scale, whole numbers."""
    if kind.startswith("decimal"):
        return f"decimal of {kind.rstrip(')').partition(',')[2].strip()}"
    return "whole" if kind in {"tinyint", "smallint", "int", "bigint"} else kind
