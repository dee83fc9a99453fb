"""Nothing is lost and nothing made up: both laws, counted again by other means than the product's.

Here: counts from the landing files and the lake's Parquet with polars, and the product's own checks
put to the test behind its back. Not here: which rows are caught (`test_manifest`).
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, datetime
from pathlib import Path

import polars as pl
import pytest

from dagster_project import pipeline
from dagster_project.errors import CheckFailed
from dagster_project.lake import checks
from dagster_project.lake.check_model import Status
from dagster_project.pipeline import Session, load_definition
from tests.pipeline.conftest import Region
from tests.support.deliveries import (
    DIAGNOSES,
    ENCOUNTERS,
    ENROLMENTS,
    EPISODES,
    INVOICES,
    MUNICIPALITIES,
    RESIDENTS,
    SITES,
    diagnosis,
    encounter,
    enrolment,
    reference_lists,
    resident,
    sent,
)
from tests.support.homes import new_home, new_settings, run, silent, take_in, turn
from tests.support.identity import born, code
from tests.support.landing_records import all_records, records, sequences
from tests.support.quick_lake import quick_build, quick_home

KEYS = (
    RESIDENTS,
    ENCOUNTERS,
    DIAGNOSES,
    ENROLMENTS,
    EPISODES,
    INVOICES,
    MUNICIPALITIES,
    SITES,
)


def parquet_of(session: Session, table: str) -> pl.DataFrame:
    """The rows of a table as they lie in its Parquet files, read by polars."""
    schema, name = table.split(".")
    files = session.lake.rows(
        "select data_file, delete_file from ducklake_list_files('lake', ?, schema => ?)",
        [name, schema],
    )
    columns = [column for (column, *_) in session.lake.rows(f"describe lake.{table}")]
    return pl.concat([_without_deleted(data, deleted).select(columns) for data, deleted in files])


def _without_deleted(data: str, deleted: str | None) -> pl.DataFrame:
    frame = pl.read_parquet(data, hive_partitioning=False)
    if deleted is None:
        return frame
    gone = pl.read_parquet(deleted)["pos"]
    return frame.with_row_index("pos").filter(~pl.col("pos").is_in(gone.implode())).drop("pos")


def left_out(session: Session, key: str) -> pl.DataFrame:
    """Records in quarantine, each once."""
    source, table = key.split("/")
    rows = session.lake.rows(
        "select distinct delivery_sequence, record_number from ops.quarantine"
        " where source = ? and table_name = ?",
        [source, table],
    )
    return pl.DataFrame(
        rows, schema={"delivery_sequence": pl.Int64, "record_number": pl.Int64}, orient="row"
    )


@pytest.mark.parametrize("key", KEYS)
def test_every_record_of_every_file_is_in_staging_or_in_quarantine(
    region: Region, key: str
) -> None:
    """The first law, record by record, and so by count too."""
    where = ["delivery_sequence", "record_number"]
    received = all_records(region.landing, key).select(where)
    staged = parquet_of(region.session, f"staging.{key.split('/')[1]}").select(where)
    caught = left_out(region.session, key)
    assert pl.concat([staged, caught]).sort(where).equals(received.sort(where))


@pytest.mark.parametrize("key", KEYS)
def test_the_register_counts_what_the_files_hold(region: Region, key: str) -> None:
    source, table = key.split("/")
    counted = region.session.lake.rows(
        "select delivery_sequence, received_count,"
        " accepted_count + quarantined_count + duplicate_count from ops.delivery"
        " where source = ? and table_name = ? order by all",
        [source, table],
    )
    landing = region.landing
    due = [(s, len(records(landing, key, s))) for s in sequences(landing, key)]
    assert counted == [(s, n, n) for s, n in due]


@pytest.mark.parametrize(
    ("key", "core"),
    [
        (ENCOUNTERS, "core.encounter"),
        (DIAGNOSES, "core.diagnosis"),
        (EPISODES, "core.hospital_episode"),
        (INVOICES, "core.invoice_line"),
    ],
)
def test_every_accepted_row_of_an_increment_is_current_superseded_or_waiting(
    region: Region, key: str, core: str
) -> None:
    """The second law, row by row: which record stands is decided here once more."""
    staged = parquet_of(region.session, f"staging.{key.split('/')[1]}")
    own_key = load_definition().catalogue.latest(key).primary_key
    where = ["delivery_sequence", "record_number"]
    newest = staged.sort("updated_at", *where).group_by(own_key).last().select(where)
    current = parquet_of(region.session, core).select(where)
    table = key.split("/")[1]
    waiting = parquet_of(region.session, "core.unresolved")
    waiting = waiting.filter(pl.col("table_name") == table).select(where)
    assert pl.concat([current, waiting]).sort(where).equals(newest.sort(where))
    assert len(current) < len(newest) < len(staged)


def test_every_accepted_row_of_the_register_is_of_a_person(region: Region) -> None:
    """The second law of a snapshot: nobody the register ever listed drops out of core.person."""
    staged = parquet_of(region.session, "staging.residents")
    alias = dict(region.session.lake.rows("from core.person_alias"))
    due = {alias.get(p, p) for p in staged["person_id"]}
    assert set(parquet_of(region.session, "core.person")["person_id"]) == due


def test_every_accepted_enrolment_has_a_row_in_force_or_waits(region: Region) -> None:
    staged = set(parquet_of(region.session, "staging.enrolments")["enrolment_id"])
    known = parquet_of(region.session, "core.enrolment")
    in_force = set(known.filter(pl.col("known_to_seq").is_null())["enrolment_id"])
    waiting = {
        i
        for (i,) in region.session.lake.rows(
            "select enrolment_id from current.enrolments semi join core.unresolved"
            " using (delivery_sequence, record_number)"
            " where enrolment_id not in (select enrolment_id from core.enrolment)"
        )
    }
    assert in_force | waiting == staged
    assert not in_force & waiting


PEOPLE = [resident(code(n), born(n)) for n in range(3)]
SMALL = (
    *reference_lists(),
    sent(RESIDENTS, 201705, *PEOPLE),
    sent(RESIDENTS, 201706, *PEOPLE[:2]),
    sent(
        ENCOUNTERS,
        201705,
        *(encounter(n, code(n % 3), datetime(2017, 5, 1 + n, 9)) for n in range(1, 8)),
        encounter(8, code(1), datetime(2017, 5, 9, 9), contact_type_code="R99"),
    ),
    sent(
        ENCOUNTERS,
        201706,
        encounter(1, code(1), datetime(2017, 6, 2, 9), updated_at=datetime(2017, 6, 3, 9)),
    ),
    sent(DIAGNOSES, 201705, *(diagnosis(n, code(n % 3), date(2017, 5, 3)) for n in (1, 2, 99))),
    sent(ENROLMENTS, 201705, enrolment("L1", code(1), date(2017, 5, 2))),
)
"""Three persons over two months, with a correction, a broken row and a row that waits."""


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    settings = new_settings(tmp_path_factory.mktemp("small"))
    with quick_home(settings, load_definition()) as session:
        assert not take_in(session, *SMALL).refusals
        quick_build(session)
        yield session


BEHIND_ITS_BACK = {
    "a row of staging is deleted": "delete from lake.staging.encounters where encounter_id = 5",
    "a row of staging is deleted that a later version replaced": (
        "delete from lake.staging.encounters where encounter_id = 1 and delivery_sequence = 201705"
    ),
    "a row of staging is there twice": (
        "insert into lake.staging.encounters"
        " select * from lake.staging.encounters where encounter_id = 5"
    ),
    "a row of an old snapshot is deleted": (
        "delete from lake.staging.residents where record_number = 3"
    ),
    "a row of the newest snapshot is there twice": (
        "insert into lake.staging.residents select * from lake.staging.residents"
        " where delivery_sequence = 201706 and record_number = 1"
    ),
    "rows of a delivery nobody registered": (
        "insert into lake.staging.diagnoses select * replace (209901 as delivery_sequence)"
        " from lake.staging.diagnoses"
    ),
    "a quarantined record is forgotten": "delete from lake.ops.quarantine",
    "a delivery is struck from the register": (
        "delete from lake.ops.delivery where table_name = 'diagnoses'"
    ),
    "an encounter is deleted from core": "delete from lake.core.encounter where encounter_id = 5",
    "an encounter is in core twice": (
        "insert into lake.core.encounter select * replace (999 as encounter_id)"
        " from lake.core.encounter where encounter_id = 5"
    ),
    "a diagnosis is deleted from core": ("delete from lake.core.diagnosis where encounter_id = 2"),
    "a waiting row is forgotten": "delete from lake.core.unresolved",
    "two stays of a person overlap": (
        "insert into lake.core.residence select * replace (date '2000-01-01' as valid_from_date)"
        " from lake.core.residence where known_to_seq is null limit 1"
    ),
    "a client is enrolled twice at a time": (
        "insert into lake.core.enrolment select * replace ('L9' as enrolment_id)"
        " from lake.core.enrolment"
    ),
    "an enrolment is deleted from core": "delete from lake.core.enrolment",
}


def failing(session: Session) -> set[str]:
    """Blocking checks that find a violation; none may be unable to look."""
    models = {m.full_name for m in session.definition.graph.models}
    results = [
        checks.evaluate(session.lake, check)
        for check in checks.all_checks(session.definition.catalogue)
        if check.table in models or check.table.startswith("staging.")
    ]
    assert not [r.check.id for r in results if r.status is Status.ERROR]
    return {r.check.id for r in results if r.is_blocking}


def test_every_check_passes_where_nothing_was_touched(small: Session) -> None:
    assert failing(small) == set()


@pytest.mark.parametrize("statement", BEHIND_ITS_BACK.values(), ids=BEHIND_ITS_BACK.keys())
def test_a_blocking_check_notices_that(small: Session, statement: str) -> None:
    with undone(small, statement.split(" lake.")[1].split(maxsplit=1)[0]):
        small.lake.execute(statement)
        assert failing(small)
    assert failing(small) == set()


@contextmanager
def undone(session: Session, table: str) -> Iterator[None]:
    """Take back what the block does to a table."""
    session.lake.execute(f"create or replace temp table kept as from lake.{table}")
    try:
        yield
    finally:
        session.lake.execute(f"delete from lake.{table}")
        session.lake.execute(f"insert into lake.{table} from kept")


def test_no_build_is_called_green_over_a_lost_row(tmp_path: Path) -> None:
    with new_home(tmp_path) as session:
        run(session, *SMALL)
        session.lake.execute("delete from lake.staging.encounters where encounter_id = 5")
        with pytest.raises(CheckFailed, match=r"encounters\.received_is_conserved"):
            pipeline.finish_build(session, report=silent)
        assert session.lake.count("select count(*) from ops.build") == 1


def test_withdrawn_rows_are_counted_as_withdrawn(small: Session) -> None:
    staged = small.lake.count("select count(*) from staging.encounters")
    turn(small, ENCOUNTERS, 201706)
    quick_build(small)
    assert failing(small) == set()
    assert small.lake.count("select count(*) from core.encounter") == staged - 1
    turn(small, ENCOUNTERS, 201706)
    quick_build(small)
    assert failing(small) == set()
