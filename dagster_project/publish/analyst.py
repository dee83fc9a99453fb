"""The analysts' database: pseudonymised core and marts in one DuckDB file.

Here: which tables it holds, under what identifiers, and what is said of each table and column; the
views that answer common questions (`sql/analyst`). Not here: swapping it in (`release`).
"""

from __future__ import annotations

from itertools import takewhile
from pathlib import Path

import sqlglot
from sqlglot import exp

from dagster_project.errors import BuildError
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import Session
from dagster_project.publish.meanings import Meanings
from dagster_project.settings import PROJECT_ROOT
from dagster_project.sql_models import SCHEMAS, Model
from dagster_project.sql_text import literal, quoted

# Readable by every DuckDB from 1.4 on.
STORAGE_VERSION = "v1.4.0"
QUESTIONS = PROJECT_ROOT / "sql" / "analyst"
QUESTION = "question"
"""Schema of the views."""
# Which of a person's codes followed which is the identity's business, not the analyst's. Of what
# was read in comments analysts have counts: a row leads to who spoke.
_WITHHELD = frozenset(
    {"core.person_link", "core.person_alias", "core.unresolved", "core.comment_reading"}
)


def write_database(session: Session, target: Path, snapshot_id: int, *, release_id: str) -> None:
    """Write the database as of a snapshot, with a comment on every table, view and column."""
    lake, meanings = session.lake, Meanings(session.definition)
    session.identities.pseudonyms("analyst")
    lake.execute(
        f"attach {literal(str(target))} as analyst (storage_version {literal(STORAGE_VERSION)})"
    )
    try:
        with lake.transaction():  # outside of one each statement asks the lake's catalog anew
            for schema in (*SCHEMAS, QUESTION):
                lake.execute(f"create schema analyst.{schema}")
            for model in session.definition.graph.models:
                if model.full_name not in _WITHHELD:
                    columns = _copy(lake, model, snapshot_id)
                    _comment(lake, model, {name: meanings.of(model, name) for name in columns})
        _create_views(lake)
        _create_view(
            lake,
            "release",
            f"select {literal(release_id)} as release_id",
            "Which release is this?",
        )
    finally:
        lake.execute("detach analyst")


def _copy(lake: Lake, model: Model, snapshot_id: int) -> list[str]:
    """Copy one model's table, every person under the audience's pseudonym; its columns.

    Raises:
        BuildError: the copy lacks rows, or a person.
    """
    source = f"lake.{model.full_name} at (version => {snapshot_id})"
    table = f"analyst.{model.full_name}"
    columns = [name for name, *_ in lake.rows(f"describe select * from {source}")]
    persons = [name for name in columns if names_person(name)]
    lake.execute(f"create table {table} as {pseudonymised(source, columns, persons)}")
    counts = ", ".join(["count(*)", *(f"count({quoted(name)})" for name in persons)])
    due = lake.rows(f"select {counts} from (select * from {source})")
    if lake.rows(f"select {counts} from {table}") != due:
        raise BuildError(f"{model.full_name}: the analysts' table lacks rows; not published")
    return columns


def _comment(lake: Lake, model: Model, meanings: dict[str, str]) -> None:
    table = f"analyst.{model.full_name}"
    told = [f"comment on table {table} is {literal(model.grain)}"]
    told += [
        f"comment on column {table}.{quoted(name)} is {literal(meaning)}"
        for name, meaning in meanings.items()
        if meaning
    ]
    lake.execute("; ".join(told))  # at once: half the time


def _create_views(lake: Lake) -> None:
    """Make the views of which every table is there, each with its question as its comment."""
    rows = lake.rows(
        "select schema_name || '.' || table_name from duckdb_tables()"
        " where database_name = 'analyst'"
    )
    there = {name for (name,) in rows}
    path = lake.value("select current_setting('search_path')")
    lake.execute("set search_path = 'analyst'")  # a view must not name the file it lies in
    try:
        for file in sorted(QUESTIONS.glob("*.sql")):
            text = file.read_text(encoding="utf-8")
            if tables_read(text) <= there:
                _create_view(lake, file.stem, text, question_of(text))
    finally:
        lake.execute(f"set search_path = {literal(path)}")


def _create_view(lake: Lake, name: str, sql: str, question: str) -> None:
    view = f"analyst.{QUESTION}.{quoted(name)}"
    lake.execute(f"create view {view} as {sql}")
    lake.execute(f"comment on view {view} is {literal(question)}")


def tables_read(sql: str) -> set[str]:
    """Tables that a view reads, as `<schema>.<name>`."""
    found = sqlglot.parse_one(sql, read="duckdb").find_all(exp.Table)
    return {f"{table.db}.{table.name}" for table in found if table.db}


def question_of(sql: str) -> str:
    """The question that a view answers: the comment lines at its head."""
    head = takewhile(lambda line: line.startswith("--"), sql.splitlines())
    return " ".join(line.removeprefix("--").strip() for line in head)


def persons_of(model: Model) -> list[str]:
    """Columns of a model that hold persons; one with any is for no shelf that all may read."""
    return [name for name in model.columns if names_person(name)]


def names_person(column: str) -> bool:
    """Whether a column holds person ids: `person_id`, or a name that ends so."""
    return column == "person_id" or column.endswith("_person_id")


def pseudonymised(source: str, columns: list[str], persons: list[str]) -> str:
    """A table's rows, every person under the pseudonym of the audience asked for last."""
    values = ", ".join(
        f"audience_{persons.index(name)}.audience_person_id as {quoted(name)}"
        if name in persons
        else f"t.{quoted(name)}"
        for name in columns
    )
    joins = " ".join(
        f"left join audience_person as audience_{index}"
        f" on t.{quoted(name)} = audience_{index}.person_id"
        for index, name in enumerate(persons)
    )
    return f"select {values} from (select * from {source}) as t {joins}"
