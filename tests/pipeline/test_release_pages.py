"""The organiser's view as part of a release: made with it, swapped with it, refused with it.

Here: a page on the real lake. Not here: what it shows (`tests/pages`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest

from dagster_project import pipeline
from dagster_project.errors import BuildError
from dagster_project.lake.builds import newest_green
from dagster_project.pipeline import Session
from dagster_project.publish.release import publish
from dagster_project.publish.view import pages
from dagster_project.publish.view.catalogue import read_texts
from tests.support.deliveries import (
    ENCOUNTERS,
    ENROLMENTS,
    RESIDENTS,
    encounter,
    enrolment,
    reference_lists,
    resident,
    sent,
)
from tests.support.homes import new_settings, run
from tests.support.identity import born, code
from tests.support.shelves import PUBLIC, write_shelf

pytestmark = pytest.mark.usefixtures("few_tables")


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A lake that has been built and published once."""
    with pipeline.open_session(new_settings(tmp_path_factory.mktemp("view"))) as session:
        run(
            session,
            *reference_lists(),
            sent(RESIDENTS, 201705, *(resident(code(n), born(n)) for n in range(3))),
            sent(ENCOUNTERS, 201705, encounter(1, code(1), datetime(2017, 5, 2, 9))),
            sent(ENROLMENTS, 201705, enrolment("L1", code(2), date(2017, 5, 2))),
        )
        publish(session)
        yield session


def current(session: Session) -> Path:
    return session.lake.settings.published / "current"


def shown(page: Path) -> dict[str, Any]:
    """The data that a page carries."""
    found = re.search(r'id="data">(.*?)</script>', page.read_text(encoding="utf-8"), re.DOTALL)
    assert found is not None
    data: dict[str, Any] = json.loads(found[1])
    return data


def test_a_release_has_the_organisers_view_of_its_own_figures(session: Session) -> None:
    page = current(session) / "internal" / "index.html"
    data = shown(page)
    assert data["made"]["data_date"] == "2017-05-31"
    assert data["made"]["release_id"] == current(session).readlink().name
    # A view registers itself: of indicators and budgets these few tables know nothing.
    assert [v["view"] for v in data["views"]] == ["overview", "enrolment", "payments", "quality"]
    (enrolled,) = data["tables"]["enrolment"]["rows"]
    assert enrolled[-1] == 1
    assert page.stat().st_mode & 0o222 == 0


def test_the_public_page_says_how_much_was_left_out(session: Session) -> None:
    """The only one who has chosen is told to nobody."""
    data = shown(current(session) / "public" / "index.html")
    assert data["made"]["data_date"] == "2017-05-31"
    assert data["made"]["redacted_count"] == 1


def test_the_same_build_gives_the_same_pages(session: Session, tmp_path: Path) -> None:
    internal = (current(session) / "internal" / "bi").resolve()
    (tmp_path / "internal").mkdir()
    (tmp_path / "internal" / "bi").symlink_to(internal)
    write_shelf(tmp_path / "public", PUBLIC)
    release_id, snapshot_id = (
        current(session).readlink().name,
        newest_green(session.lake).snapshot_id,
    )
    pages.write_pages(session, tmp_path, release_id, snapshot_id)
    again = (tmp_path / "internal" / "index.html").read_bytes()
    assert again == (internal.parent / "index.html").read_bytes()
    assert shown(tmp_path / "public" / "index.html")["made"]["redacted_count"] == 6


def test_a_missing_text_leaves_the_release_before_in_place(
    session: Session, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = current(session).readlink()
    page = (current(session) / "internal" / "index.html").read_bytes()
    run(session, sent(ENROLMENTS, 201706, enrolment("L2", code(1), date(2017, 6, 2))))
    monkeypatch.setattr(
        pages, "load_texts", lambda: read_texts("view.enrolment: {fi: Listautuminen, sv: Listning}")
    )
    with pytest.raises(BuildError, match=r"no text for view\.enrolment \(en\)"):
        publish(session)
    assert current(session).readlink() == before
    assert (current(session) / "internal" / "index.html").read_bytes() == page
    monkeypatch.undo()
    publish(session)
    assert current(session).readlink() != before
    assert shown(current(session) / "internal" / "index.html")["made"]["data_date"] == "2017-06-30"
