"""The analysts' database: pseudonymised core and marts in one DuckDB file.

Here: which tables it holds and under what identifiers. Not here: swapping it in (`release`).
"""

from __future__ import annotations

from pathlib import Path

from dagster_project.errors import BuildError
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import Session
from dagster_project.sql_models import SCHEMAS, Model
from dagster_project.sql_text import literal, quoted

# Readable by every DuckDB from 1.4 on.
STORAGE_VERSION = "v1.4.0"
# Which of a person's codes followed which is the identity's business, not the analyst's.
_WITHHELD = frozenset({"core.person_link", "core.person_alias", "core.unresolved"})


def write_database(session: Session, target: Path, snapshot_id: int) -> None:
    """Write the database as of a snapshot, with its grain as the comment of every table."""
    lake = session.lake
    session.identities.pseudonyms("analyst")
    lake.execute(
        f"attach {literal(str(target))} as analyst (storage_version {literal(STORAGE_VERSION)})"
    )
    try:
        with lake.transaction():  # outside of one each statement asks the lake's catalog anew
            for schema in SCHEMAS:
                lake.execute(f"create schema analyst.{schema}")
            for model in session.definition.graph.models:
                if model.full_name not in _WITHHELD:
                    _copy(lake, model, snapshot_id)
    finally:
        lake.execute("detach analyst")


def _copy(lake: Lake, model: Model, snapshot_id: int) -> None:
    """Copy one model's table, every person under the audience's pseudonym.

    Raises:
        BuildError: the copy lacks rows, or a person.
    """
    source = f"lake.{model.full_name} at (version => {snapshot_id})"
    table = f"analyst.{model.full_name}"
    columns = [name for name, *_ in lake.rows(f"describe select * from {source}")]
    persons = [name for name in columns if names_person(name)]
    lake.execute(f"create table {table} as {_pseudonymised(source, columns, persons)}")
    counts = ", ".join(["count(*)", *(f"count({quoted(name)})" for name in persons)])
    due = lake.rows(f"select {counts} from (select * from {source})")
    if lake.rows(f"select {counts} from {table}") != due:
        raise BuildError(f"{model.full_name}: the analysts' table lacks rows; not published")
    lake.execute(f"comment on table {table} is {literal(model.grain)}")


def persons_of(model: Model) -> list[str]:
    """Columns of a model that hold persons; one with any is for no shelf that all may read."""
    return [name for name in model.columns if names_person(name)]


def names_person(column: str) -> bool:
    """Whether a column holds person ids: `person_id`, or a name that ends so."""
    return column == "person_id" or column.endswith("_person_id")


def _pseudonymised(source: str, columns: list[str], persons: list[str]) -> str:
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
