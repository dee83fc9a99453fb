"""A person erased, a person told what is held, deliveries whose time is over.

Here: whole homes before and after. Not here: how each format is rewritten
(`tests/unit/test_rewriting`).
"""

from __future__ import annotations

import struct
from dataclasses import replace
from datetime import date
from pathlib import Path

import pytest

from dagster_project import pipeline, rights
from dagster_project.errors import TietoallasError
from dagster_project.lake.runs import OnStep, no_step
from dagster_project.pipeline import Session
from dagster_project.settings import Settings
from tests.support.deliveries import ENCOUNTERS, write_all
from tests.support.homes import silent
from tests.support.runs import (
    NOW,
    analyst_content,
    copied,
    files_under,
    lake_content,
    run_once,
    small_home,
)
from tests.support.search import codes_readable_in, unpacked
from tests.support.small_region import CHANGING, CODES, JUNE, LATER_CODE, of_month

pytestmark = pytest.mark.usefixtures("few_tables")

THEIRS = frozenset({CODES[CHANGING], LATER_CODE})
STEPS = ("person-level files withdrawn", "persons erased", "records erased", "codes forgotten")


class Crash(BaseException):
    """What nothing in the product may catch and carry on from."""


@pytest.fixture(scope="module")
def made(few_tables: None, tmp_path_factory: pytest.TempPathFactory) -> Settings:
    """A home with two months in it; one of six people has two codes. No test changes it."""
    settings = small_home(tmp_path_factory.mktemp("made"))
    run_once(settings)
    return settings


@pytest.fixture
def settings(made: Settings, tmp_path: Path) -> Settings:
    """A copy that a test may change."""
    return copied(made, tmp_path / "home")


def ids(session: Session) -> frozenset[int]:
    known = [session.identities.person_of(code) for code in THEIRS]
    return frozenset(person for person in known if person is not None)


def erase(settings: Settings, code: str, *, on_step: OnStep = no_step) -> rights.Erased:
    with pipeline.open_session(settings, on_step=on_step, now=lambda: NOW) as session:
        return rights.erase_person(
            session, code, actor="tester", purpose="asked to be erased", report=silent
        )


def persons_before(settings: Settings) -> frozenset[int]:
    with pipeline.open_session(settings) as session:
        return ids(session)


def files_that_tell_of(persons: frozenset[int], settings: Settings) -> list[Path]:
    """Files of lake and releases with an id in them, packed or as 8 bytes."""
    needles = [struct.pack("<q", p) for p in persons] + [str(p).encode() for p in persons]
    return [
        path
        for path in files_under(settings.lake, settings.published)
        if any(n in data for data in (path.read_bytes(), unpacked(path)) for n in needles)
    ]


def codes_in_the_vault(settings: Settings) -> set[str]:
    with pipeline.open_session(settings) as session:
        opened = [session.blobs.read(digest) for digest in session.blobs.digests()]
        kept = session.lake.rows("select identity_code from vault.identity")
    return {code for (code,) in kept}.union(*map(codes_readable_in, opened))


def test_nothing_is_left_of_a_person_who_was_erased(settings: Settings) -> None:
    persons = persons_before(settings)
    assert len(persons) == 2
    assert files_that_tell_of(persons, settings)
    assert codes_in_the_vault(settings) >= THEIRS
    done = erase(settings, LATER_CODE)
    assert (done.row_count, done.record_count, done.landing_count) == (6, 6, 0)
    assert files_that_tell_of(persons, settings) == []
    assert codes_in_the_vault(settings).isdisjoint(THEIRS)


def test_files_that_still_lie_in_landing_are_told(settings: Settings) -> None:
    refused = settings.landing / ENCOUNTERS / "encounters_201707.csv"
    refused.parent.mkdir(parents=True, exist_ok=True)
    refused.write_text(f"Tunniste;Hlo\n1;{LATER_CODE}\n", encoding="utf-8")
    assert erase(settings, LATER_CODE).landing_count == 1


def test_everybody_else_keeps_everything(settings: Settings) -> None:
    persons = persons_before(settings)
    before = lake_content(settings)
    erase(settings, CODES[CHANGING])
    after = lake_content(settings)
    for table in ("staging.residents", "staging.encounters", "core.encounter", "core.person"):
        assert after[table] == [row for row in before[table] if not persons & set(row)], table
    assert before["ops.delivery"] == after["ops.delivery"]
    current = analyst_content(settings.published / "current")
    assert len(current["core.encounter"]) == len(after["core.encounter"])


def test_what_was_erased_is_counted_and_both_laws_hold(settings: Settings) -> None:
    erase(settings, LATER_CODE)
    with pipeline.open_session(settings) as session:
        counted = session.lake.rows(
            "select table_name, delivery_sequence, record_count, act from ops.erasure order by all"
        )
        verdicts = session.lake.rows(
            "select distinct status from ops.check_result where check_id like '%is_conserved'"
            " and run_id = (select arg_max(run_id, build_id) from ops.build)"
        )
    assert counted == [
        ("diagnoses", 201705, 1, "erasure"),
        ("encounters", 201705, 1, "erasure"),
        ("encounters", 201706, 1, "erasure"),
        ("enrolments", 201705, 1, "erasure"),
        ("residents", 201705, 1, "erasure"),
        ("residents", 201706, 1, "erasure"),
    ]
    assert {status for (status,) in verdicts} <= {"pass", "not_applicable"}


@pytest.mark.parametrize("step", STEPS)
def test_an_erasure_that_dies_is_finished_by_the_next(settings: Settings, step: str) -> None:
    persons = persons_before(settings)

    def crash(name: str) -> None:
        if name == step:
            raise Crash

    with pytest.raises(Crash):
        erase(settings, LATER_CODE, on_step=crash)
    assert not list(settings.published.glob("releases/*/analyst"))
    if step == STEPS[-1]:
        with pytest.raises(TietoallasError, match="nobody is known"):
            erase(settings, LATER_CODE)
        run_once(settings)
    else:
        erase(settings, LATER_CODE)
        assert files_that_tell_of(persons, settings) == []
    assert codes_in_the_vault(settings).isdisjoint(THEIRS)


def test_a_source_that_goes_on_sending_brings_back_somebody_new(settings: Settings) -> None:
    persons = persons_before(settings)
    erase(settings, LATER_CODE)
    listed, met = of_month(JUNE)
    write_all(settings.landing, [replace(listed, sequence=201707), replace(met, sequence=201707)])
    run_once(settings)
    with pipeline.open_session(settings) as session:
        again = session.identities.person_of(LATER_CODE)
    assert again is not None
    assert again not in persons


def test_an_access_report_holds_records_as_sent_rows_of_core_and_who_looked(
    settings: Settings,
) -> None:
    with pipeline.open_session(settings, now=lambda: NOW) as session:
        told = rights.access_report(session, CODES[CHANGING], actor="tester", purpose="asked")
        logged = session.lake.rows("select actor, purpose, action from vault.access_log")
    assert told["identity_codes"] == sorted(THEIRS)
    assert told["has_protection_order"] is False
    sent = [(r["table"], r["sequence"]) for r in told["records_as_sent"]]
    assert sent == [
        ("diagnoses", 201705),
        ("encounters", 201705),
        ("encounters", 201706),
        ("enrolments", 201705),
        ("residents", 201705),
        ("residents", 201706),
    ]
    assert all(THEIRS & set(r["fields"].values()) for r in told["records_as_sent"])
    assert {"core.person", "core.encounter", "core.residence"} <= set(told["rows_in_core"])
    assert logged == [("tester", "asked", "person.access")]


def test_nobody_else_is_in_an_access_report(settings: Settings) -> None:
    with pipeline.open_session(settings, now=lambda: NOW) as session:
        told = rights.access_report(session, CODES[0], actor="tester", purpose="asked")
    assert codes_readable_in(repr(told).encode()) == {CODES[0]}


def test_deliveries_leave_when_their_time_is_over_and_the_newest_snapshot_stays(
    settings: Settings,
) -> None:
    """Encounters and diagnoses are kept for 12 years from the last day that they cover."""
    with pipeline.open_session(settings, now=lambda: NOW) as session:
        held = set(session.blobs.digests())
        assert rights.expire(session, as_of=date(2029, 5, 31), report=silent).delivery_count == 0
        done = rights.expire(session, as_of=date(2029, 6, 1), report=silent)
        left = session.lake.rows(
            "select table_name, delivery_sequence from ops.erasure where act = 'expiry' order by 1"
        )
        assert session.lake.count("select count(*) from staging.encounters") == 7
        assert session.lake.count("select count(*) from staging.diagnoses") == 0
        assert len(held - set(session.blobs.digests())) == done.delivery_count == len(left)
        again = rights.expire(session, as_of=date(2029, 6, 1), report=silent)
    assert ("encounters", 201705) in left
    assert ("residents", 201706) not in left
    assert again == rights.ExpiredCounts(0, 0)
