"""Models become tables: each commits by itself, and a build is green when all of them stand.

A model without months is built whole, compared with what stands, and written only where it
differs. A model with months is rebuilt for the months touched since the last green build, of old
and new versions alike. What "since" means never depends on the order of arrival or on an
interrupted run: it is the snapshot and event that the last green build names.

Here: deciding what to rebuild, and doing it. Not here: the queries (`sql/`), the checks (`checks`).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass

import duckdb

from dagster_project.errors import BuildError
from dagster_project.lake.connection import Lake
from dagster_project.lake.engines import TOUCHED, DuckDB, Engine, Rows
from dagster_project.lake.runs import Run
from dagster_project.sql_models import Model, ModelGraph
from dagster_project.sql_text import quoted

_FORBIDDEN_TYPES = frozenset({"HUGEINT", "UHUGEINT", "UUID", "FLOAT"})
_WIDEST_DECIMAL = 18
"""Digits that fit 64 bits, which every reader of Parquet takes exactly."""


@dataclass(frozen=True)
class Green:
    """The last build at which the whole graph stood."""

    build_id: int
    snapshot_id: int
    last_event_id: int
    protection_count: int
    models_sha256: str
    run_id: str


@dataclass(frozen=True)
class Built:
    """What building one model did."""

    model: str
    row_count: int
    rebuilt: str
    """`nothing`, `whole`, or the number of months."""


@dataclass(frozen=True)
class Last:
    """What a model's table was built from when it was built last."""

    sha256: str
    event_id: int
    row_count: int


@dataclass(frozen=True)
class Standing:
    """All that decides what is rebuilt, asked of the lake once: each question costs a scan."""

    green: Green | None
    event_id: int
    """The newest event in the register."""
    newest_events: Mapping[str, int]
    """By delivered table."""
    built: Mapping[str, Last]
    """By model."""
    built_by_green: frozenset[tuple[str, str]]
    """Models and their code, as built from what the last green build had seen or less."""
    tables: frozenset[str]
    """`<schema>.<table>` of every table in the lake."""


def standing(lake: Lake) -> Standing:
    """How things stand before a build."""
    with lake.transaction():
        green = green_build(lake)
        built = lake.rows(
            "select model, model_sha256, last_event_id, row_count from ops.model_build"
            " order by rowid"
        )
        events = lake.rows("select table_name, max(event_id) from ops.delivery_event group by all")
        tables = lake.rows(
            "select distinct schema_name || '.' || table_name from duckdb_columns()"
            " where database_name = 'lake'"
        )
    seen = green.last_event_id if green else -1
    return Standing(
        green=green,
        event_id=max((event_id for _, event_id in events), default=0),
        newest_events=dict(events),
        built={model: Last(sha256, event_id, rows) for model, sha256, event_id, rows in built},
        built_by_green=frozenset((row[0], row[1]) for row in built if row[2] <= seen),
        tables=frozenset(name for (name,) in tables),
    )


def green_build(lake: Lake) -> Green | None:
    """The last green build whose snapshot the lake still keeps."""
    rows = lake.rows(
        "select build_id, snapshot_id, last_event_id, protection_count, models_sha256, run_id"
        " from ops.build"
        " where snapshot_id in (select snapshot_id from ducklake_snapshots('lake'))"
        " order by build_id desc limit 1"
    )
    return Green(*rows[0]) if rows else None


def newest_green(lake: Lake) -> Green:
    """The last green build, for readers that need one.

    Raises:
        BuildError: there is none.
    """
    green = green_build(lake)
    if green is None:
        raise BuildError("there is no green build to read from; run `tietoallas run`")
    return green


_MODEL_READ = re.compile(r"\b(from|join) ((?:core|mart)\.\w+)\b")


def as_built(lake: Lake, query: str) -> str:
    """A query of `from core.<table> as …` over models as they stood at the newest green build.

    Raises:
        BuildError: there is none.
    """
    version = newest_green(lake).snapshot_id
    return _MODEL_READ.sub(rf"\1 (select * from lake.\2 at (version => {version}))", query)


def last_event_id(lake: Lake) -> int:
    """The newest event in the register of deliveries."""
    return lake.count("select coalesce(max(event_id), 0) from ops.delivery_event")


def build_model(
    lake: Lake,
    graph: ModelGraph,
    model: Model,
    run: Run,
    before: Standing | None = None,
    *,
    engine: Engine | None = None,
) -> Built:
    """Bring one model up to date with staging and its parents.

    Args:
        lake: Where it is built.
        graph: All models.
        model: The one.
        run: In whose name.
        before: How things stood before this build, where several models are built in one.
        engine: What works its rows out; DuckDB, unless told otherwise.

    Raises:
        BuildError: the query fails, its key is not unique, or it is empty where rows were due.
    """
    step = _Step(lake, graph, model, before or standing(lake), run, engine or DuckDB(lake))
    try:
        built = _built(step)
    except duckdb.Error as error:
        raise BuildError(f"{model.full_name} cannot be built: {_safe(error)}") from None
    return built


@dataclass(frozen=True)
class _Step:
    """One model to be brought up to date, by what, and on what."""

    lake: Lake
    graph: ModelGraph
    model: Model
    before: Standing
    run: Run
    engine: Engine


def _built(step: _Step) -> Built:
    before, model = step.before, step.model
    if _stands(before, step.graph, model):
        built = Built(model.full_name, before.built[model.full_name].row_count, "nothing")
    elif _must_be_whole(before, step.graph, model):
        built = _rebuild_whole(step)
    elif model.partition:
        return _rebuild_months(step)
    else:
        return _replace_if_different(step)
    if before.green:  # else every model is built whole, and nobody asks what has changed
        create_changed_view(step.lake, model, before.green)
    return built


def _safe(error: duckdb.Error) -> str:
    """The kind of error and, where it speaks of the query and not of values, its text."""
    kind = type(error).__name__
    if isinstance(error, duckdb.BinderException | duckdb.CatalogException | duckdb.ParserException):
        return f"{kind}: {error}"
    if isinstance(error, duckdb.OutOfMemoryException):
        return (
            f"{kind}: memory and disk are used up; free disk or raise TIETOALLAS_MEMORY_LIMIT_GIB"
        )
    if isinstance(error, duckdb.OperationalError):
        return f"{kind}, as when the disk is full or cannot be written; free room, then run again"
    return f"{kind} (its text may hold values, so it is not shown)"


def _stands(before: Standing, graph: ModelGraph, model: Model) -> bool:
    """Whether it was last built from the same code, and nothing it rests on has happened since."""
    last = before.built.get(model.full_name)
    if last is None or last.sha256 != graph.fingerprints[model.full_name]:
        return False
    if model.full_name not in before.tables:
        return False
    if _reads_register(graph, model):
        return last.event_id == before.event_id
    sources = (*graph.sources(model), "protection")
    return all(before.newest_events.get(name, 0) <= last.event_id for name in sources)


def _reads_register(graph: ModelGraph, model: Model) -> bool:
    direct = any(name.startswith("ops.") for name in model.parents)
    return direct or any(
        _reads_register(graph, graph.model(p)) for p in graph.upstream_models(model)
    )


def _must_be_whole(before: Standing, graph: ModelGraph, model: Model) -> bool:
    """Whether months cannot be told apart: no green build to start from, or other code since."""
    name, sha256 = model.full_name, graph.fingerprints[model.full_name]
    last = before.built.get(name)
    if before.green is None or last is None or name not in before.tables:
        return True
    return last.sha256 != sha256 or (name, sha256) not in before.built_by_green


def _rebuild_whole(step: _Step) -> Built:
    lake, model = step.lake, step.model
    table = f"lake.{model.full_name}"
    with step.engine.rows(model) as rows, lake.transaction():
        if model.full_name in step.before.tables:
            lake.execute(f"drop table {table}")
        if model.partition:
            lake.execute(f"create table {table} as {model.sql} limit 0")
            lake.execute(f"alter table {table} set partitioned by ({model.partition})")
            rows.add_to(table)
        else:
            rows.create(table)
        step.run.on_step(f"{model.full_name} written")
        built = _finish(step, rebuilt="whole")
    step.run.on_step(f"{model.full_name} committed")
    return built


def _rebuild_months(step: _Step) -> Built:
    lake, model = step.lake, step.model
    table = f"lake.{model.full_name}"
    is_every_month = _find_touched_months(lake, model)
    # Where every month is touched, the query goes faster without asking each row for its own.
    chosen = "" if is_every_month else f" where {model.partition} in (select month from {TOUCHED})"
    with _rows_of_touched(step, is_every_month=is_every_month) as rows, lake.transaction():
        if rows:
            lake.execute(f"delete from {table}{chosen}")
            rows.add_to(table)
        if is_every_month:
            _touch(lake, f"select {model.partition} from {table}")
        step.run.on_step(f"{model.full_name} written")
        months = lake.count(f"select count(*) from {TOUCHED}")
        built = _finish(step, rebuilt=f"{months} months")
    _keep_changed(lake, model, f"select month as {model.partition} from {TOUCHED}")
    step.run.on_step(f"{model.full_name} committed")
    return built


def _rows_of_touched(step: _Step, *, is_every_month: bool) -> AbstractContextManager[Rows | None]:
    if not step.lake.count(f"select count(*) from {TOUCHED}"):
        return nullcontext()
    return step.engine.rows(step.model, of_touched=not is_every_month)


def _find_touched_months(lake: Lake, model: Model) -> bool:
    """Put the months that the model must be rebuilt for into `touched_month`.

    Returns:
        Whether every month of the table is among them; then no more were looked for.
    """
    standing = f"select distinct {model.partition} as month from lake.{model.full_name}"
    lake.execute(f"create or replace temp table standing_month as {standing}")
    lake.execute("create or replace temp table touched_month (month date)")
    has_months = lake.count("select count(*) from standing_month") > 0
    untouched = "select count(*) from standing_month anti join touched_month using (month)"
    for months_sql in model.touched:
        _touch(lake, months_sql)
        if has_months and not lake.count(untouched):
            return True
    return False


def _touch(lake: Lake, months_sql: str) -> None:
    lake.execute(
        f"insert into touched_month select distinct month from ({months_sql}) as touched(month)"
        " anti join touched_month using (month) where month is not null"
    )


def touched_sql(model: Model) -> str:
    """One query for every month the model must be rebuilt for."""
    return " union ".join(f"({sql})" for sql in model.touched)


def _replace_if_different(step: _Step) -> Built:
    lake, model, green = step.lake, step.model, step.before.green
    table = f"lake.{model.full_name}"
    with step.engine.rows(model, read_twice=True) as rows:
        different = _different_rows(lake, rows.relation, table)
        lake.execute(f"create or replace temp table different as {different}")
        differs = lake.count("select count(*) from different")
        if green and _is_as_at(lake, model, green):
            _keep_changed(lake, model, "from different")
        else:  # a run that did not end green has written to it as well
            create_changed_view(lake, model, green)
        with lake.transaction():
            if differs:
                lake.execute(f"delete from {table}")
                rows.add_to(table)
            step.run.on_step(f"{model.full_name} written")
            built = _finish(step, rebuilt="whole" if differs else "nothing")
    lake.execute("drop table different")
    step.run.on_step(f"{model.full_name} committed")
    return built


def _different_rows(lake: Lake, one: str, other: str) -> str:
    """A query for the rows that are in one table and not in the other, in one pass of both."""
    columns = ", ".join(quoted(name) for name, *_ in lake.rows(f"describe from {one}"))
    return (
        f"select {columns} from (select *, 1 as side from {one} union all"
        f" select *, -1 as side from {other}) as sides group by {columns} having sum(side) <> 0"
    )


def _finish(step: _Step, *, rebuilt: str) -> Built:
    """Check the table inside its own transaction and note the build.

    Raises:
        BuildError: it is empty where rows were due, its key is not unique, or it has a type that
            other engines misread.
    """
    lake, model, run = step.lake, step.model, step.run
    _check_types(lake, model)
    row_count = _row_count(lake, model)
    if row_count == 0 and not model.may_be_empty and _rows_are_due(lake, step.graph, model):
        raise BuildError(
            f"{model.full_name} came out empty where rows were due; what stood before still stands."
            " See `tietoallas status` for refused deliveries and changed code lists"
        )
    key = ", ".join(model.key)
    repeated = (
        lake.count(
            f"select count(*) from (select 1 from lake.{model.full_name}"
            f" group by {key} having count(*) > 1 limit 1)"
        )
        if rebuilt != "nothing"
        else 0
    )
    if repeated:
        raise BuildError(f"{model.full_name}: its grain is broken, ({key}) is not unique")
    lake.execute(
        "insert into lake.ops.model_build values (?, ?, ?, ?, ?, ?, ?)",
        [
            model.full_name,
            step.graph.fingerprints[model.full_name],
            step.before.event_id,
            row_count,
            rebuilt,
            run.now(),
            run.run_id,
        ],
    )
    return Built(model.full_name, row_count, rebuilt)


def _check_types(lake: Lake, model: Model) -> None:
    """No type that other engines read as another: HUGEINT and wide decimals become doubles."""
    for column, kind, *_ in lake.rows(f"describe lake.{model.full_name}"):
        wide = re.fullmatch(r"DECIMAL\((\d+),\d+\)", kind)
        if kind in _FORBIDDEN_TYPES or (wide and int(wide[1]) > _WIDEST_DECIMAL):
            raise BuildError(
                f"{model.full_name}: column {column} came out as {kind}; cast it in the query"
            )


def _rows_are_due(lake: Lake, graph: ModelGraph, model: Model) -> bool:
    """Whether every delivered table that the model rests on has a delivery in force."""
    staged = {name for (name,) in lake.rows("select distinct table_name from effective.delivery")}
    known = {
        name
        for (name,) in lake.rows(
            "select distinct table_name from duckdb_columns()"
            " where database_name = 'lake' and schema_name = 'staging'"
        )
    }
    return (graph.sources(model) & known) <= staged


def _row_count(lake: Lake, model: Model) -> int:
    return lake.count(f"select count(*) from lake.{model.full_name}")


def create_changed_view(lake: Lake, model: Model, green: Green | None) -> None:
    """Make `changed.<model>`: months touched, or rows that differ from the last green build."""
    table = f"lake.{model.full_name}"
    if model.partition and green:
        months = touched_sql(model)
        sql = (
            f"select distinct month as {model.partition} from ({months}) as touched(month)"
            " where month is not null"
        )
    elif model.partition:
        sql = f"select distinct {model.partition} from {table}"
    elif green and _stood_at(lake, model, green):
        sql = _different_rows(lake, table, f"{table} at (version => {green.snapshot_id})")
    else:
        sql = f"from {table}"
    lake.execute(f"create or replace view memory.changed.{model.name} as {sql}")


def _keep_changed(lake: Lake, model: Model, sql: str) -> None:
    """Have `changed.<model>` hold what it says now: whoever reads it would ask all of it again."""
    lake.execute(f"create or replace table memory.kept.{model.name} as {sql}")
    lake.execute(
        f"create or replace view memory.changed.{model.name} as from memory.kept.{model.name}"
    )


def create_changed_views_above(lake: Lake, graph: ModelGraph, model: Model) -> None:
    """Make `changed.<parent>` for parents that this connection has not built, and for theirs.

    Raises:
        BuildError: a parent was never built.
    """
    for parent in map(graph.model, graph.upstream_models(model)):
        if _has_changed_view(lake, parent):
            continue
        if not lake.has_table(parent.schema, parent.name):
            raise BuildError(f"{model.full_name} reads {parent.full_name}, which was never built")
        create_changed_views_above(lake, graph, parent)
        create_changed_view(lake, parent, green_build(lake))


def _has_changed_view(lake: Lake, model: Model) -> bool:
    return bool(
        lake.count(
            "select count(*) from duckdb_views() where database_name = 'memory'"
            " and schema_name = 'changed' and view_name = ?",
            [model.name],
        )
    )


def _is_as_at(lake: Lake, model: Model, green: Green) -> bool:
    """Whether nobody has written to the table since the last green build."""
    files = (
        f"select data_file, delete_file from ducklake_list_files('lake', '{model.name}',"
        f" schema => '{model.schema}'"
    )
    now = lake.rows(f"{files}) order by all")
    return now == lake.rows(f"{files}, snapshot_version => {green.snapshot_id}) order by all")


def _stood_at(lake: Lake, model: Model, green: Green) -> bool:
    """Whether the table was there, with the columns it has now, at the last green build."""
    now = lake.rows(f"describe lake.{model.full_name}")
    try:
        then = lake.rows(
            f"describe select * from lake.{model.full_name} at (version => {green.snapshot_id})"
        )
    except duckdb.CatalogException:
        return False
    return [r[:2] for r in now] == [r[:2] for r in then]


def record_green(lake: Lake, graph: ModelGraph, run: Run) -> int:
    """Note that the whole graph stands, at which snapshot, unless the last green build says so.

    Returns:
        The build's id.

    Raises:
        BuildError: a model is missing or was built from older data or other code.
    """
    now = standing(lake)
    behind = [m.full_name for m in graph.models if not _stands(now, graph, m)]
    if behind:
        raise BuildError(f"not built from the newest data: {', '.join(behind)}; run the build job")
    protection_count = lake.count("select count(*) from vault.protection")
    if now.green and _same(now.green, now.event_id, protection_count, graph.sha256):
        return now.green.build_id
    build_id = lake.count("select coalesce(max(build_id), 0) + 1 from ops.build")
    lake.execute(
        "insert into lake.ops.build values (?, ?, ?, ?, ?, ?, ?)",
        [
            build_id,
            lake.snapshot_id(),
            now.event_id,
            protection_count,
            graph.sha256,
            run.now(),
            run.run_id,
        ],
    )
    run.on_step("build recorded")
    return build_id


def move_green(lake: Lake, run: Run) -> None:
    """Let the last green build stand at the newest snapshot: what was added since is no model's.

    A settlement adds to the ledger, and the release made next is to hold it.
    """
    lake.execute(
        "insert into lake.ops.build select build_id + 1, ?, last_event_id, protection_count,"
        " models_sha256, ?, ? from ops.build where build_id = ?",
        [lake.snapshot_id(), run.now(), run.run_id, newest_green(lake).build_id],
    )


def _same(green: Green, event_id: int, protection_count: int, models_sha256: str) -> bool:
    """Whether nothing has happened since: the last green build is this one."""
    return (green.last_event_id, green.protection_count, green.models_sha256) == (
        event_id,
        protection_count,
        models_sha256,
    )
