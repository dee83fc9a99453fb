"""A home is a folder: restored from backup under another path, it goes on as before."""

from __future__ import annotations

from pathlib import Path

from dagster_project import pipeline
from dagster_project.publish.release import publish
from tests.support.deliveries import reference_lists, write_all
from tests.support.homes import new_settings, silent
from tests.support.small_region import JUNE, MAY, PERSONS, of_month


def test_a_home_that_was_moved_takes_in_the_next_month(tmp_path: Path) -> None:
    settings = new_settings(tmp_path / "first")
    write_all(settings.landing, (*reference_lists(), *of_month(MAY)))
    with pipeline.open_session(settings) as session:
        pipeline.ingest(session, report=silent)
        pipeline.build(session, report=silent)
    moved = settings.model_copy(update={"home": settings.home.rename(tmp_path / "second")})
    write_all(moved.landing, of_month(JUNE))

    with pipeline.open_session(moved) as session:
        assert not pipeline.ingest(session, report=silent).refusals
        pipeline.build(session, report=silent)
        publish(session)
        assert session.lake.count("select count(*) from core.encounter") == 2 * PERSONS
