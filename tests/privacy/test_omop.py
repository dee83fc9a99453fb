"""The OMOP export places nobody whose place is not to be known, and leaves with an order.

Here: the export of the region. Not here: its rows (`tests/spec/test_omop.py`).
"""

from __future__ import annotations

import shutil
import stat
from pathlib import Path

import duckdb
import pytest

from dagster_project.pipeline import Session
from dagster_project.publish import history
from dagster_project.publish.omop import export_omop
from dagster_project.publish.withdrawal import withdraw_all_person_level
from tests.privacy.conftest import Region


@pytest.fixture(scope="module")
def exported(region: Region, session: Session) -> Path:
    return export_omop(session)[0]


def test_it_is_its_owners_alone_and_comes_once(exported: Path, session: Session) -> None:
    assert stat.S_IMODE(exported.stat().st_mode) == 0o700
    assert {stat.S_IMODE(path.stat().st_mode) for path in exported.iterdir()} == {0o400}
    before = {path: path.stat().st_mtime_ns for path in exported.iterdir()}
    assert export_omop(session)[0] == exported
    assert {path: path.stat().st_mtime_ns for path in exported.iterdir()} == before
    assert list(history.verify(session.lake.settings, exported.parent)) == []


def test_protected_persons_are_at_no_place(exported: Path, session: Session) -> None:
    """By their numbers, which go by the pseudonyms of this audience."""
    session.identities.pseudonyms("omop")
    numbers = session.lake.rows(
        "select number from (select person_id, row_number() over (order by audience_person_id)"
        " as number from audience_person where person_id in (select person_id from core.person))"
        " where person_id in (select person_id from protected_person)"
    )
    protected = [number for (number,) in numbers]
    assert len(protected) >= 6
    with duckdb.connect() as connection:

        def told(file: str, column: str) -> tuple[int, int]:
            rows = connection.execute(
                f"select count(*), count({column}) from '{exported}/{file}.parquet'"
                " where list_contains(?, person_id)",
                [protected],
            ).fetchall()
            return int(rows[0][0]), int(rows[0][1])

        assert told("person", "location_id") == (len(protected), 0)
        visits, places = told("visit_occurrence", "care_site_id")
        _, lists = told("payer_plan_period", "nullif(split_part(plan_source_value, ':', 2), '')")
    assert visits > 0
    assert (places, lists) == (0, 0)


def test_person_ids_are_of_the_export_alone(exported: Path, session: Session) -> None:
    ids = duckdb.sql(f"select person_id from '{exported}/person.parquet'").fetchall()
    lake = {person for (person,) in session.lake.rows("select person_id from core.person")}
    session.identities.pseudonyms("analyst")
    analysts = {p for (p,) in session.lake.rows("select audience_person_id from audience_person")}
    assert not {person for (person,) in ids} & (lake | analysts)


def test_it_leaves_with_an_order_or_an_erasure(exported: Path, tmp_path: Path) -> None:
    published = tmp_path / "published"
    release = published / "releases" / exported.parent.name
    shutil.copytree(exported.parent, release, copy_function=shutil.copyfile)
    withdraw_all_person_level(published)
    assert not (release / "omop").exists()
    assert (release / "public").exists()
