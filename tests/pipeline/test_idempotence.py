"""Running again changes nothing.

Here: the same run twice, the same file twice. Not here: runs cut short (`tests/faults`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import pytest

from dagster_project import pipeline
from dagster_project.pipeline import Session
from dagster_project.publish.manifest import Release
from dagster_project.publish.release import publish
from tests.support.deliveries import (
    DIAGNOSES,
    ENCOUNTERS,
    ENROLMENTS,
    RESIDENTS,
    diagnosis,
    encounter,
    enrolment,
    reference_lists,
    resident,
    sent,
    write_all,
)
from tests.support.homes import build, contents, new_settings, run, silent, take_in
from tests.support.identity import born, code

pytestmark = pytest.mark.usefixtures("few_tables")

DELIVERIES = (
    *reference_lists(),
    sent(RESIDENTS, 201705, *(resident(code(n), born(n)) for n in range(3))),
    sent(ENCOUNTERS, 201705, encounter(1, code(1), datetime(2017, 5, 2, 9))),
    sent(DIAGNOSES, 201705, diagnosis(1, code(1), date(2017, 5, 2))),
    sent(ENROLMENTS, 201705, enrolment("L1", code(2), date(2017, 5, 2))),
)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Session, Release]]:
    """A lake that has been built and published once."""
    settings = new_settings(tmp_path_factory.mktemp("twice"))
    with pipeline.open_session(settings) as session:
        run(session, *DELIVERIES)
        yield session, publish(session)


def data_versions(session: Session) -> dict[str, int]:
    """For each data table the newest snapshot that touched it."""
    changed = session.lake.rows(
        "select snapshot_id, changes['tables_inserted_into'], changes['tables_deleted_from']"
        " from ducklake_snapshots('lake')"
    )
    newest: dict[str, int] = {}
    for snapshot_id, inserted, deleted in changed:
        for table in [*(inserted or []), *(deleted or [])]:
            if not str(table).startswith("ops."):
                newest[str(table)] = max(newest.get(str(table), 0), snapshot_id)
    return newest


def test_a_second_run_writes_no_data_table_and_makes_the_same_release(
    lake: tuple[Session, Release],
) -> None:
    session, release = lake
    before, versions = contents(session), data_versions(session)
    assert versions
    assert take_in(session).outcomes == ()
    built = build(session)
    assert {m.rebuilt for m in built.models} <= {"nothing", "0 months"}
    assert contents(session) == before
    assert data_versions(session) == versions
    assert publish(session).tables == release.tables


def test_the_same_file_sent_again_is_known_and_leaves_landing(
    lake: tuple[Session, Release],
) -> None:
    session, _ = lake
    events = session.lake.count("select count(*) from ops.delivery_event")
    write_all(session.lake.settings.landing, DELIVERIES)
    ingested = pipeline.ingest(session, report=silent)
    assert [o.verdict for o in ingested.outcomes] == [None] * len(DELIVERIES)
    assert not ingested.refusals
    assert not [p for p in session.lake.settings.landing.rglob("*") if p.is_file()]
    assert session.lake.count("select count(*) from ops.delivery_event") == events


def test_publishing_again_without_a_new_build_is_the_same_release(
    lake: tuple[Session, Release],
) -> None:
    session, _ = lake
    assert publish(session) == publish(session)
    releases = session.lake.rows("select release_id from ops.release")
    assert len(releases) == len(set(releases))
