"""When the database fails over a delivery, its message, which may quote a row, goes no further.

Here: errors of DuckDB by a stand-in, as of a full disk. Not here: a disk that is full
(`tests/faults`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import pytest

from dagster_project import pipeline
from dagster_project.errors import SettingsError, TietoallasError
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import Session
from tests.support.homes import new_home, silent
from tests.support.raw_files import CODES, RESIDENTS, clear

pytestmark = pytest.mark.usefixtures("few_tables")

READING, WRITING = "create or replace table memory.main.records_", "insert into lake.staging"
QUOTING = f'could not convert "{CODES[0]};091;04400" on line 2'


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with new_home(tmp_path_factory.mktemp("failing")) as opened:
        yield opened


@pytest.fixture
def session(shared: Session) -> Iterator[Session]:
    """The shared lake, with landing left empty."""
    yield shared
    clear(shared.lake.settings.landing)


def fail_at(patch: pytest.MonkeyPatch, statement: str, error: duckdb.Error) -> None:
    """Have DuckDB fail at statements that begin so."""
    really = Lake.execute

    def execute(lake: Lake, sql: str, values: list[Any] | None = None) -> Any:
        if sql.startswith(statement):
            raise error
        return really(lake, sql, values)

    patch.setattr(Lake, "execute", execute)


def standing(session: Session) -> tuple[int, int]:
    lake = session.lake
    return (
        lake.count("select count(*) from staging.residents"),
        lake.count("select count(*) from ops.delivery"),
    )


@pytest.mark.parametrize(
    ("statement", "error", "expected", "advice"),
    [
        (READING, duckdb.OutOfMemoryException(QUOTING), SettingsError, "free room"),
        (READING, duckdb.IOException(QUOTING), SettingsError, "free room"),
        (READING, duckdb.InternalException(QUOTING), TietoallasError, "report it"),
        (READING, duckdb.BinderException(QUOTING), TietoallasError, "report it"),
        (WRITING, duckdb.OutOfMemoryException(QUOTING), SettingsError, "free room"),
        (WRITING, duckdb.IOException(QUOTING), SettingsError, "free room"),
        (WRITING, duckdb.ConstraintException(QUOTING), TietoallasError, "report it"),
        (WRITING, duckdb.ConversionException(QUOTING), TietoallasError, "report it"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
def test_a_failure_is_told_without_values_and_changes_nothing(
    session: Session,
    monkeypatch: pytest.MonkeyPatch,
    statement: str,
    error: duckdb.Error,
    expected: type[TietoallasError],
    advice: str,
) -> None:
    path = RESIDENTS.land(session.lake.settings.landing, RESIDENTS.sequence(1))
    before = standing(session)

    with monkeypatch.context() as patch:
        fail_at(patch, statement, error)
        with pytest.raises(expected, match=advice) as failed:
            pipeline.ingest(session, report=silent)

    assert CODES[0] not in str(failed.value)
    assert f"{RESIDENTS.key} {RESIDENTS.sequence(1)}" in str(failed.value)
    assert (failed.value.__cause__, failed.value.__suppress_context__) == (None, True)
    assert standing(session) == before
    assert path.exists()


@pytest.mark.parametrize(
    "error",
    [
        duckdb.InvalidInputException(QUOTING),
        duckdb.ConversionException(QUOTING),
        duckdb.OutOfRangeException(QUOTING),
        duckdb.NotImplementedException(QUOTING),
    ],
    ids=lambda error: type(error).__name__,
)
def test_what_the_reader_cannot_read_is_refused_though_nobody_sees_why(
    session: Session, monkeypatch: pytest.MonkeyPatch, error: duckdb.Error
) -> None:
    RESIDENTS.land(session.lake.settings.landing, RESIDENTS.sequence(1))

    with monkeypatch.context() as patch:
        fail_at(patch, READING, error)
        ingested = pipeline.ingest(session, report=silent)

    (refusal,) = ingested.refusals
    assert refusal.message == (
        "the file cannot be read as its contract says; ask the sender for a whole file"
        " [rule file.structure]"
    )


def test_after_the_failures_the_same_file_is_taken_in(session: Session) -> None:
    RESIDENTS.land(session.lake.settings.landing, RESIDENTS.sequence(1))

    ingested = pipeline.ingest(session, report=silent)

    assert [o.verdict.accepted for o in ingested.outcomes if o.verdict] == [6]


def test_a_refused_file_and_a_good_one_in_a_fresh_session(tmp_path: Path) -> None:
    with new_home(tmp_path) as session:
        settings = session.lake.settings
        path = RESIDENTS.land(settings.landing, RESIDENTS.first_sequence, b"\0")
        assert len(pipeline.ingest(session, report=silent).refusals) == 1

    path.write_bytes(RESIDENTS.data)
    with pipeline.open_session(settings) as fresh:
        ingested = pipeline.ingest(fresh, report=silent)

    assert (len(ingested.outcomes), ingested.refusals) == (1, ())
