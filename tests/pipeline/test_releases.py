"""Releases as their readers and keepers meet them: shelves, what is public, the way back, bundles.

Here: two releases of the small region, whose groups are all too small to be told of. Not here:
interrupted releases (`tests/faults`), the rule of disclosure (`tests/property`).
"""

from __future__ import annotations

import csv
import dataclasses
import grp
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook
from typer.testing import CliRunner

from dagster_project import pipeline
from dagster_project.cli import app
from dagster_project.contracts.published import SAFE_TYPES
from dagster_project.errors import BuildError, SettingsError, TietoallasError
from dagster_project.pipeline import Session
from dagster_project.publish import export, history
from dagster_project.publish.disclosure import REDACTED
from dagster_project.publish.release import publish
from dagster_project.publish.shell import answer
from dagster_project.settings import Settings
from tests.support.deliveries import reference_lists, write_all
from tests.support.homes import new_settings, person
from tests.support.runs import NOW, run_once
from tests.support.small_region import CODES, MAY, PERSONS, june_without_order, of_month

pytestmark = pytest.mark.usefixtures("few_tables")

pd = pytest.importorskip("pandas")  # comes with Great Expectations; without stubs
PUBLIC = ("enrolled_by_provider", "visits_by_profession", "capitation_payment")


@dataclasses.dataclass(frozen=True)
class Home:
    """An installation with a release of May and one of both months."""

    settings: Settings
    may: str
    june: str

    @property
    def current(self) -> Path:
        return (self.settings.published / "current").resolve()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Home:
    settings = new_settings(tmp_path_factory.mktemp("releases"))
    write_all(settings.landing, (*reference_lists(), *of_month(MAY)))
    may = run_once(settings).release_id
    write_all(settings.landing, june_without_order())
    june = run_once(settings).release_id
    return Home(settings, may, june)


def told(home: Home, *arguments: str) -> tuple[int, str]:
    """Exit status of a command, and all that it says."""
    where = {"TIETOALLAS_HOME": str(home.settings.home), "TIETOALLAS_KEYS": str(home.settings.keys)}
    result = CliRunner(env=where | {"TIETOALLAS_MIN_FREE_DISK_GIB": "0"}).invoke(app, arguments)
    return result.exit_code, result.output


@pytest.fixture
def session(home: Home) -> Iterator[Session]:
    with pipeline.open_session(home.settings, now=lambda: NOW) as session:
        yield session


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# ---- what is public ----


@pytest.mark.parametrize("name", PUBLIC)
def test_a_group_too_small_to_tell_of_says_so_row_by_row(home: Home, name: str) -> None:
    exact = pl.read_parquet(home.current / "internal" / "bi" / f"{name}.parquet")
    file = home.current / "public" / "bi" / f"{name}.parquet"
    told = pl.read_parquet(file)
    figures = [c for c in told.columns if c.endswith(("_count", "_eur"))]
    assert figures
    assert all(told[column].null_count() == len(told) for column in figures)
    assert told[REDACTED].to_list() == [True] * len(told)
    assert (len(told) > 0) == (len(exact) > 0)
    stated = json.loads(pq.read_metadata(file).metadata[b"tietoallas_disclosure"])
    assert stated["redacted_cells"] == len(told) * len(figures)


def test_the_manifest_says_how_many_cells_were_left_out_and_how_old_the_data_are(
    home: Home,
) -> None:
    manifest = json.loads((home.current / "manifest.json").read_text(encoding="utf-8"))
    redacted = {t["path"]: t["redacted_count"] for t in manifest["tables"]}
    assert redacted["public/bi/enrolled_by_provider.parquet"] > 0
    assert redacted["internal/bi/enrolled_by_provider.parquet"] == 0
    assert manifest["reached_date"] == "2017-06-30"


def test_pages_and_summaries_lie_on_both_shelves_and_need_nothing_else(home: Home) -> None:
    for shelf in ("internal", "public"):
        for page in ("dictionary.html", "semantic_model.html"):
            text = (home.current / shelf / page).read_text(encoding="utf-8")
            assert "enrolled_by_provider" in text
            assert "<script" not in text
            assert "://" not in text
    public = (home.current / "public" / "dictionary.html").read_text(encoding="utf-8")
    assert "person_id" not in public


@pytest.mark.parametrize(("shelf", "due"), [("internal", PERSONS), ("public", None)])
def test_excel_opens_sums_of_what_the_shelf_tells(home: Home, shelf: str, due: int | None) -> None:
    folder = home.current / shelf / "summary"
    sheet = load_workbook(folder / "summary.xlsx", read_only=True)["enrolled_by_provider"]
    heading, *rows = list(sheet.iter_rows(values_only=True))
    found = pl.DataFrame(rows, schema=[str(name) for name in heading], orient="row")
    counts = found["person_count"].drop_nulls()
    assert (counts.sum() if len(counts) else None) == due
    with (folder / "enrolled_by_provider.csv").open(encoding="utf-8-sig", newline="") as file:
        read = list(csv.DictReader(file, delimiter=";"))
    assert len(read) == len(rows)
    assert {row["enrolment_month"] for row in read} == {"1.5.2017"}


# ---- readers that are not DuckDB, as in the README ----


def test_other_readers_read_the_same_figures(home: Home) -> None:
    folder = home.current / "internal" / "bi"
    due = 2 * PERSONS
    file = folder / "visits_by_profession.parquet"
    assert pl.read_parquet(file)["encounter_count"].sum() == due
    assert (
        pl.scan_parquet(folder / "visits_*.parquet")
        .select("encounter_count")
        .collect()
        .sum()
        .item()
        == due
    )
    assert pd.read_parquet(file)["encounter_count"].sum() == due
    assert sum(pq.read_table(file)["encounter_count"].to_pylist()) == due


def test_every_flat_file_has_types_that_every_tool_reads(home: Home) -> None:
    for file in home.current.glob("*/bi/*.parquet"):
        described = duckdb.sql(f"describe from '{file}'").fetchall()
        for name, kind, *_ in described:
            assert kind.split("(")[0] in SAFE_TYPES, f"{file.name}.{name}"
            if kind.startswith("DECIMAL"):
                assert int(kind[8:].split(",")[0]) <= 18, f"{file.name}.{name}"


# ---- a table that is not as its contract says ----


def with_type(session: Session, name: str, kind: str) -> Session:
    """The session, had somebody written another type for a column of one contract."""
    outputs = session.definition.outputs
    contract = outputs.contracts["enrolled_by_provider"]
    columns = tuple(
        dataclasses.replace(c, sql_type=kind) if c.name == name else c for c in contract.columns
    )
    changed = dataclasses.replace(contract, columns=columns, sha256="other")
    contracts = {**outputs.contracts, contract.table: changed}
    definition = dataclasses.replace(
        session.definition, outputs=dataclasses.replace(outputs, contracts=contracts)
    )
    return dataclasses.replace(session, definition=definition)


def test_a_table_whose_contract_and_model_disagree_is_not_published(
    home: Home, session: Session
) -> None:
    before = home.current
    with pytest.raises(BuildError, match=r"disagree: person_count is BIGINT and INTEGER is due"):
        publish(with_type(session, "person_count", "INTEGER"))
    assert home.current == before
    assert publish(session).release_id == before.name


# ---- who may read what ----


def test_each_shelf_is_open_to_its_readers_alone(home: Home) -> None:
    for path in (home.settings.published, home.current.parent, home.current):
        assert mode(path) == 0o755
    for path in (home.current / "public").rglob("*"):
        assert mode(path) == (0o755 if path.is_dir() else 0o444)
    for shelf in ("internal", "controller", "analyst"):
        assert mode(home.current / shelf) == 0o700
        assert all(mode(p) & 0o277 == 0 for p in (home.current / shelf).rglob("*") if p.is_file())
    assert list(history.verify(home.settings, home.current)) == []


def test_a_shelf_goes_to_the_group_that_is_set_for_it(home: Home) -> None:
    group = grp.getgrgid(os.getgid()).gr_name
    settings = home.settings.model_copy(update={"reader_groups": {"internal": group}})
    with pipeline.open_session(settings, now=lambda: NOW) as session:
        publish(with_sha(session, "grouped"))
    internal = home.current / "internal"
    assert (mode(internal), internal.group()) == (0o750, group)
    assert {mode(p) for p in internal.rglob("*.parquet")} == {0o440}
    assert mode(home.current / "controller") == 0o700
    assert list(history.verify(settings, home.current)) == []
    assert "internal is open" in " ".join(history.verify(home.settings, home.current))


def with_sha(session: Session, sha256: str) -> Session:
    """The session, had somebody written another contract: a further release is due."""
    outputs = session.definition.outputs
    changed = dataclasses.replace(outputs.contracts["need_funding"], sha256=sha256)
    contracts = {**outputs.contracts, "need_funding": changed}
    definition = dataclasses.replace(
        session.definition, outputs=dataclasses.replace(outputs, contracts=contracts)
    )
    return dataclasses.replace(session, definition=definition)


def test_a_group_that_is_not_there_is_named_and_nothing_is_published(home: Home) -> None:
    before = home.current
    settings = home.settings.model_copy(update={"reader_groups": {"internal": "nosuchgroup"}})
    with (
        pytest.raises(SettingsError, match="cannot be given to group nosuchgroup"),
        pipeline.open_session(settings, now=lambda: NOW) as session,
    ):
        publish(with_sha(session, "for nobody"))
    assert home.current == before


# ---- the keeper's commands ----


def test_a_release_that_was_touched_is_not_whole(home: Home, tmp_path: Path) -> None:
    release = history.directory_of(home.settings.published, home.may)
    file = release / "public" / "bi" / "enrolled_by_provider.parquet"
    was = file.read_bytes()
    try:
        file.chmod(0o644)
        assert "open to others than its readers, or to writing" in " ".join(
            history.verify(home.settings, release)
        )
        file.write_bytes(was[:-1] + b"X")
        file.chmod(0o444)
        status, said = told(home, "release", "verify", home.may)
        assert status == 1
        assert "enrolled_by_provider.parquet is not what was published" in said
    finally:
        file.chmod(0o644)
        file.write_bytes(was)
        file.chmod(0o444)
    assert told(home, "release", "verify", home.may)[0] == 0


def test_the_difference_of_two_releases_is_data_and_says_which(home: Home) -> None:
    status, output = told(home, "release", "diff", home.may, home.june)
    assert status == 0
    lines = output.splitlines()
    (line,) = (i for i, text in enumerate(lines) if text.startswith("internal/bi/visits_by_prof"))
    assert "added" in lines[line]
    assert "data: encounters" in lines[line + 1]
    assert "internal/bi/need_funding.parquet" not in output


def test_a_rollback_stands_until_something_else_is_published_and_is_logged(home: Home) -> None:
    settings = home.settings
    newest = home.current.name
    with pipeline.open_session(settings, now=lambda: NOW) as session:
        for release_id, reason, message in (
            (home.may, " ", "say why"),
            (newest, "why not", "what readers see already"),
            ("009999", "why not", "there is no release 009999"),
        ):
            with pytest.raises(TietoallasError, match=message):
                history.roll_back(session, release_id, reason=reason)
        history.roll_back(session, home.may, reason="June's visits are wrong")
        assert home.current.name == home.may
        assert publish(with_sha(session, "grouped")).release_id == newest
        assert home.current.name == home.may
        later = publish(with_sha(session, "later")).release_id
        assert home.current.name == later
    status, output = told(home, "release", "log")
    assert status == 0
    rolled = [line.split(maxsplit=3)[3] for line in output.splitlines() if "June's" in line]
    assert [line.split()[-5] for line in rolled] == [newest, home.may]


# ---- analysts ----


def test_analysts_are_told_what_every_table_view_and_column_is(home: Home) -> None:
    file = home.current / "analyst" / "tietoallas.duckdb"
    with duckdb.connect(str(file), read_only=True) as connection:
        mute = connection.execute(
            "select schema_name || '.' || table_name || '.' || column_name from duckdb_columns()"
            " where not internal and comment is null and schema_name in ('core', 'mart')"
            " union all select table_name from duckdb_tables() where comment is null"
            " union all select view_name from duckdb_views() where not internal and comment is null"
        ).fetchall()
        views = connection.execute(
            "select view_name from duckdb_views() where schema_name = 'question'"
        ).fetchall()
        answers = {
            name: connection.execute(f"from question.{name}").fetchall() for (name,) in views
        }
    assert mute == []
    assert len(answers["release"]) == 1
    assert sum(row[3] for row in answers["residents_by_month"]) > 0


def test_sql_asks_the_release_that_is_named_and_writes_nothing(home: Home) -> None:
    ask = "select count(*) as visits from core.encounter"
    for release, due in ((home.may, PERSONS), (home.june, 2 * PERSONS)):
        status, output = told(home, "sql", ask, "--release", release)
        assert status == 0
        assert str(due) in output
    file = (
        history.directory_of(home.settings.published, home.june) / "analyst" / "tietoallas.duckdb"
    )
    for query, message in (
        ("delete from core.encounter", "failed"),
        (f"copy core.encounter to '{home.current}/x.csv'", "failed"),
        ("from core.encounters", "encounters does not exist"),
    ):
        with pytest.raises(TietoallasError, match=message):
            list(answer(file, query))


def test_a_bundle_holds_what_was_asked_for_and_a_form(
    home: Home, session: Session, tmp_path: Path
) -> None:
    tables = ["core.encounter", "core.person"]
    done = export.write_bundle(session, tmp_path / "out", tables=tables, purpose="THL/1/14.06.00")
    files = {path.name: path for path in (tmp_path / "out").iterdir()}
    assert files.keys() == {
        *("core.encounter.parquet", "core.person.parquet"),
        *("summary.html", "summary.json"),
    }
    assert done.file_count == len(files)
    stated: dict[str, Any] = json.loads(files["summary.json"].read_text(encoding="utf-8"))
    assert stated["purpose"] == "THL/1/14.06.00"
    assert [f["row_count"] for f in stated["files"]] == [2 * PERSONS, PERSONS]
    lake_ids = {person(session, code) for code in CODES}
    assert not lake_ids & {*pl.read_parquet(files["core.person.parquet"])["person_id"]}


@pytest.mark.parametrize(
    ("tables", "purpose", "message"),
    [
        (["core.nothing"], "permit", "there is no table core.nothing"),
        (["core.person"], "", "say by what permit"),
    ],
)
def test_a_bundle_that_cannot_be_is_refused_and_leaves_nothing(
    session: Session, tmp_path: Path, tables: list[str], purpose: str, message: str
) -> None:
    with pytest.raises(TietoallasError, match=message):
        export.write_bundle(session, tmp_path / "out", tables=tables, purpose=purpose)
    assert not (tmp_path / "out").exists()


def test_a_bundle_of_more_files_than_are_taken_is_refused(
    session: Session, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(export, "MOST_FILES", 3)
    with pytest.raises(TietoallasError, match="are more than 3 files"):
        export.write_bundle(session, tmp_path / "out", tables=[], purpose="permit")
