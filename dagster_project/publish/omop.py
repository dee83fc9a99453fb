"""The OMOP Common Data Model 5.4 of a release's persons, as Parquet beside the current release.

Each `sql/omop/<table>.sql` gives the columns that the lake knows; the others are left empty.
What is written is held against the model's own columns: types, required values, keys, references.
Numbers of persons and events hold within one export: the model's integers have 32 bits.

Here: numbering, checking, writing. Not here: what a row is of (`sql/omop`), the columns of the
model (`omop_cdm_5_4.csv`), concepts (`omop_vocabulary`).
"""

from __future__ import annotations

import csv
import hashlib
import json
import re
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from itertools import groupby
from pathlib import Path

from dagster_project.errors import BuildError
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import Session
from dagster_project.publish import history, shelves
from dagster_project.publish.manifest import Release, read_manifest
from dagster_project.publish.omop_vocabulary import map_codes
from dagster_project.publish.withdrawal import MANIFEST
from dagster_project.settings import PROJECT_ROOT
from dagster_project.sql_text import literal, quoted

SHELF = history.OMOP
_QUERIES = PROJECT_ROOT / "sql" / "omop"
_COLUMNS = Path(__file__).with_name("omop_cdm_5_4.csv")
_TYPES = {"integer": "INTEGER", "date": "DATE", "datetime": "TIMESTAMP", "float": "DOUBLE"}
_OF_ROWS = {
    "visit_occurrence": ("encounter", "hospital_episode"),
    "procedure_occurrence": ("procedure",),
    "measurement": ("measurement",),
    "cost": ("cost",),
}
"""Tables of core whose every row is due in one table of the model."""


@dataclass(frozen=True)
class CdmColumn:
    """A column of the model."""

    name: str
    cdm_type: str
    is_required: bool
    is_key: bool
    references: str

    @property
    def sql_type(self) -> str:
        """In DuckDB; euros and results are doubles, as the model has them."""
        return _TYPES.get(self.cdm_type, "VARCHAR")

    @property
    def most_characters(self) -> int | None:
        """Of a text that is limited."""
        found = re.fullmatch(r"varchar\((\d+)\)", self.cdm_type)
        return int(found[1]) if found else None


@dataclass(frozen=True)
class Exported:
    """A file of the export."""

    table: str
    row_count: int
    left_out_count: int
    """Rows of core without a place in the model: of persons whom no register lists, or of social
    services."""
    sha256: str


def cdm_tables() -> dict[str, tuple[CdmColumn, ...]]:
    """Columns by table of the model, in the order in which tables refer to each other."""
    with _COLUMNS.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(line for line in file if not line.startswith("#")))
    return {
        table: tuple(
            CdmColumn(
                r["column"],
                r["type"],
                r["is_required"] == "yes",
                r["is_key"] == "yes",
                r["references"],
            )
            for r in found
        )
        for table, found in groupby(rows, key=lambda row: row["table"])
    }


def export_omop(session: Session) -> tuple[Path, list[Exported]]:
    """Write the export of the current release, once; what stands is left as it is.

    Raises:
        TietoallasError: there is no release, or its snapshot is no longer kept.
        BuildError: a table would not be as the model says; nothing is written.
    """
    settings = session.lake.settings
    release = history.directory_of(settings.published, "")
    target = release / SHELF
    if (target / MANIFEST).exists():
        stated = json.loads((target / MANIFEST).read_text(encoding="utf-8"))
        return target, [Exported(**table) for table in stated]
    staging = release / f".staging-{SHELF}"
    shutil.rmtree(staging, ignore_errors=True)
    staging.mkdir(mode=0o700)
    with _tables(session, release):
        files = [
            write_table(session.lake, name, columns, staging)
            for name, columns in cdm_tables().items()
        ]
    text = json.dumps([asdict(file) for file in files], indent=2) + "\n"
    (staging / MANIFEST).write_text(text, encoding="utf-8")
    shelves.seal(staging, release, shelves.accesses(settings), shelf=SHELF)
    staging.rename(target)
    return target, files


@contextmanager
def _tables(session: Session, release: Path) -> Iterator[None]:
    """Have `omop.<table>` mean each table, made from what the release was made from."""
    lake, manifest = session.lake, read_manifest(release)
    read = sorted({n for q in _queries().values() for n in re.findall(r"release\.(\w+)", q)})
    try:
        for name in read:
            lake.execute(
                f"create or replace view memory.release.{quoted(name)} as"
                f" select * from lake.core.{quoted(name)} at (version => {manifest.snapshot_id})"
            )
        _number_persons(session)
        make_tables(lake, manifest)
        yield
    finally:
        for name in ("person_number", "cdm", "mapping", *_queries()):
            lake.execute(f"drop table if exists memory.omop.{quoted(name)}")
        for name in read:
            lake.execute(f"drop view if exists memory.release.{quoted(name)}")


def _queries() -> dict[str, str]:
    return {n: (_QUERIES / f"{n}.sql").read_text(encoding="utf-8") for n in cdm_tables()}


def make_tables(lake: Lake, manifest: Release) -> None:
    """Make `omop.<table>` of `release.<table>` and `omop.person_number`."""
    version = map_codes(lake)
    lake.execute(
        "create or replace table memory.omop.cdm as select cast($1 as varchar) as release_id,"
        " cast($2 as date) as reached_date, cast($3 as varchar) as vocabulary_version",
        [manifest.release_id, manifest.reached_date or None, version],
    )
    for name, query in _queries().items():
        lake.execute(f"create or replace table memory.omop.{quoted(name)} as {query}")


def _number_persons(session: Session) -> None:
    """Number persons by their pseudonym for this audience, which says nothing of who they are."""
    session.identities.pseudonyms(SHELF)
    session.lake.execute(
        "create or replace table memory.omop.person_number as"
        " select audience.person_id,"
        " cast(row_number() over (order by audience.audience_person_id) as integer)"
        " as omop_person_id from audience_person as audience"
        " inner join release.person as person on audience.person_id = person.person_id"
    )


def write_table(lake: Lake, table: str, columns: tuple[CdmColumn, ...], folder: Path) -> Exported:
    """Check a table and write it, with every column of the model.

    Raises:
        BuildError: it is not as the model says.
    """
    source = f"omop.{quoted(table)}"
    given = {name for name, *_ in lake.rows(f"describe {source}")}
    wrong = list(_wrong(lake, source, columns, given))
    if wrong:
        raise BuildError(f"OMOP {table}: {'; '.join(wrong)}. This is a defect: report it")
    values = ", ".join(
        f"cast({quoted(c.name) if c.name in given else 'null'} as {c.sql_type}) as {c.name}"
        for c in columns
    )
    target = folder / f"{table}.parquet"
    lake.execute(
        f"copy (select {values} from {source} order by 1) to {literal(str(target))}"
        " (format parquet, compression zstd)"
    )
    row_count = lake.count(f"select count(*) from {source}")
    due = sum(lake.count(f"select count(*) from release.{n}") for n in _OF_ROWS.get(table, ()))
    return Exported(
        table=table,
        row_count=row_count,
        left_out_count=max(0, due - row_count),
        sha256=hashlib.sha256(target.read_bytes()).hexdigest(),
    )


def _wrong(
    lake: Lake, source: str, columns: tuple[CdmColumn, ...], given: set[str]
) -> Iterator[str]:
    """What of a table is not as the model says; counts alone."""
    for column in columns:
        name = quoted(column.name)
        if column.name not in given:
            if column.is_required:
                yield f"{column.name} is required and not there"
            continue
        if column.is_required and (n := _rows(lake, source, f"{name} is null")):
            yield f"{n} rows lack {column.name}"
        most = column.most_characters
        if most and (n := _rows(lake, source, f"length(cast({name} as varchar)) > {most}")):
            yield f"{n} rows have more than {most} characters in {column.name}"
        if column.is_key and (n := _doubled(lake, source, name)):
            yield f"{n} rows repeat {column.name}"
        if column.references and column.references != "concept":
            known = f"select {column.references}_id from omop.{column.references}"
            if n := _rows(lake, source, f"{name} is not null and {name} not in ({known})"):
                yield f"{n} rows refer by {column.name} to no {column.references}"


def _rows(lake: Lake, source: str, condition: str) -> int:
    return lake.count(f"select count(*) from {source} where {condition}")


def _doubled(lake: Lake, source: str, name: str) -> int:
    return lake.count(f"select count(*) - count(distinct {name}) from {source}")
