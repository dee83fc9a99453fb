"""A bundle for a secure environment: tables of the analysts' database, and a form on them.

Here: the files of a bundle. Not here: who may have one, which the permit says and a person judges.
"""

from __future__ import annotations

import hashlib
import json
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

from dagster_project.errors import TietoallasError
from dagster_project.lake.release_log import Event, note
from dagster_project.pipeline import Session
from dagster_project.publish.analyst import names_person
from dagster_project.publish.history import directory_of
from dagster_project.publish.manifest import read_manifest
from dagster_project.publish.release import ANALYSTS
from dagster_project.quality.html import page, table
from dagster_project.sql_text import literal, quoted

MOST_FILES = 50
FORM = "summary.html"
FORM_DATA = "summary.json"
_HEADINGS = ("file", "grain", "rows", "bytes", "names persons", "sha256")


@dataclass(frozen=True)
class Bundle:
    """What was written."""

    release_id: str
    file_count: int


def write_bundle(session: Session, folder: Path, *, tables: Sequence[str], purpose: str) -> Bundle:
    """Write tables of the current release's analysts' database, and the form, into a new folder.

    Args:
        session: Of the lake whose log gets a line.
        folder: Must not be there; comes whole or not at all.
        tables: As `core.encounter`; without any, all of core and mart.
        purpose: Permit or decision that the data go out by.

    Raises:
        TietoallasError: no purpose, no such table, too many files, or the folder is there.
    """
    release = directory_of(session.lake.settings.published, "")
    staging = staged(folder, purpose)
    manifest = read_manifest(release)
    stated = {
        "release_id": manifest.release_id,
        "data_to": manifest.reached_date,
        "purpose": purpose,
        "controller": "organiser",
        "files": _write_tables(release / ANALYSTS, staging, tables),
    }
    return finish(session, staging, folder, stated)


def staged(folder: Path, purpose: str) -> Path:
    """An empty folder beside the one to come, for what goes out by a permit.

    Raises:
        TietoallasError: no purpose, or the folder is there.
    """
    if not purpose.strip():
        raise TietoallasError("say by what permit the data go out: --purpose 'THL/1234/14.06.00'")
    if folder.exists():
        raise TietoallasError(f"{folder} is there already; give a folder that is not")
    staging = folder.with_name(f".staging-{folder.name}")
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700, parents=True)
    return staging


def finish(session: Session, staging: Path, folder: Path, stated: dict[str, Any]) -> Bundle:
    """Put the form beside the files, log that they go out, and give the folder its name."""
    text = json.dumps(stated, indent=2, default=str)
    (staging / FORM_DATA).write_text(text + "\n", encoding="utf-8")
    (staging / FORM).write_text(_form(stated), encoding="utf-8")
    for path in staging.iterdir():
        path.chmod(0o400)
    release_id, reason = stated["release_id"], stated["purpose"]
    note(session.lake, session.run, Event.EXPORTED, release_id, reason=reason)
    staging.rename(folder)
    return Bundle(release_id, len(stated["files"]) + 2)


def _write_tables(file: Path, staging: Path, tables: Sequence[str]) -> list[dict[str, Any]]:
    if not file.exists():
        raise TietoallasError("the analysts' file is withdrawn; run `tietoallas run` first")
    with duckdb.connect(str(file), read_only=True) as connection:
        known = dict(
            connection.execute(
                "select schema_name || '.' || table_name, comment from duckdb_tables()"
                " where schema_name in ('core', 'mart') order by all"
            ).fetchall()
        )
        wanted = list(dict.fromkeys(tables)) or list(known)
        if strange := [name for name in wanted if name not in known]:
            raise TietoallasError(f"there is no table {strange[0]}; there are {', '.join(known)}")
        if len(wanted) + 2 > MOST_FILES:
            raise TietoallasError(
                f"{len(wanted)} tables and the form are more than {MOST_FILES} files, which is what"
                " a secure environment takes at a time; name tables with --table"
            )
        return [
            write_table(connection, ".".join(map(quoted, name.split("."))), str(known[name]), file)
            for name in wanted
            for file in [staging / f"{name}.parquet"]
        ]


def write_table(
    connection: duckdb.DuckDBPyConnection, table_name: str, grain: str, target: Path
) -> dict[str, Any]:
    """Write a table, named as SQL has it, into a Parquet file; what the form says of it."""
    connection.execute(
        f"copy (from {table_name}) to {literal(str(target))} (format parquet, compression zstd)"
    )
    columns = connection.execute(f"describe {table_name}").fetchall()
    rows = connection.execute(f"select count(*) from {table_name}").fetchall()[0][0]
    content = target.read_bytes()
    return {
        "file": target.name,
        "grain": grain,
        "row_count": rows,
        "byte_count": len(content),
        "names_persons": any(names_person(column) for column, *_ in columns),
        "sha256": hashlib.sha256(content).hexdigest(),
        "columns": {column: kind for column, kind, *_ in columns},
    }


def _form(stated: dict[str, Any]) -> str:
    """The form that goes with the files, with room for who sends and who receives them."""
    files = table(
        _HEADINGS,
        (
            (
                f["file"],
                f["grain"],
                f["row_count"],
                f["byte_count"],
                "yes, pseudonymised" if f["names_persons"] else "no",
                f["sha256"],
            )
            for f in stated["files"]
        ),
    )
    columns = "".join(
        f"<details><summary>{f['file']}</summary>"
        + table(("column", "type"), list(f["columns"].items()))
        + "</details>"
        for f in stated["files"]
    )
    facts = table(
        ("what", "this bundle"),
        [
            ("release", stated["release_id"]),
            ("data to", stated["data_to"]),
            ("permit or decision", stated["purpose"]),
            ("controller", stated["controller"]),
            ("sent by, date", ""),
            ("received by, date", ""),
            *stated.get("facts", ()),
            ("to be destroyed by", ""),
        ],
    )
    body = f"{facts}<h2>Files</h2>{files}<h2>Columns</h2>{columns}"
    return page("en", "Data for a secure environment", "", body)
