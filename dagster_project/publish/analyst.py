"""The analysts' database: pseudonymised core and marts in one DuckDB file.

Here: which tables it holds and under what identifiers. Not here: swapping it in (`release`).
"""

from __future__ import annotations

from pathlib import Path

from dagster_project.errors import BuildError
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import Session
from dagster_project.sql_models import Model
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
        for schema in ("core", "mart"):
            lake.execute(f"create schema analyst.{schema}")
        for model in session.definition.graph.models:
            if model.full_name not in _WITHHELD:
                _copy(lake, model, snapshot_id)
    finally:
        lake.execute("detach analyst")


def _copy(lake: Lake, model: Model, snapshot_id: int) -> None:
    """Copy one model's table.

    Raises:
        BuildError: the copy lacks rows.
    """
    source = f"lake.{model.full_name} at (version => {snapshot_id})"
    columns = [name for name, *_ in lake.rows(f"describe select * from {source}")]
    if "person_id" in columns:
        # Everyone has a pseudonym, so the join loses nobody; a person without one would fail the
        # NOT NULL below.
        values = ", ".join(
            "audience_person.audience_person_id as person_id"
            if c == "person_id"
            else f"t.{quoted(c)}"
            for c in columns
        )
        query = (
            f"select {values} from (select * from {source}) as t left join audience_person"
            " on t.person_id = audience_person.person_id"
        )
    else:
        query = f"select * from {source}"
    table = f"analyst.{model.full_name}"
    lake.execute(f"create table {table} as {query}")
    if "person_id" in columns:
        lake.execute(f"alter table {table} alter column person_id set not null")
    due = lake.count(f"select count(*) from (select * from {source})")
    if lake.count(f"select count(*) from {table}") != due:
        raise BuildError(f"{model.full_name}: the analysts' table lacks rows; not published")
    lake.execute(f"comment on table {table} is {literal(model.grain)}")
