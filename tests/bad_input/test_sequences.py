"""The source's own sequence decides, not when or how often a file comes.

Here: repeats, gaps, corrections and withdrawals of bytes, keys that come twice. Not here: files
that are broken (`test_refused_files`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from dagster_project import pipeline
from dagster_project.lake.status import table_statuses
from dagster_project.pipeline import Ingested, Session
from tests.support.homes import new_home, silent
from tests.support.leaks import leaked
from tests.support.raw_files import (
    CODES,
    ENCOUNTERS,
    ENROLMENTS,
    FORMS,
    POPULATION,
    RESIDENTS,
    Form,
    line,
    on_line,
    swap,
)

MONTHLY = (RESIDENTS, ENCOUNTERS, ENROLMENTS)
TEXT = {RESIDENTS: ";091;", ENCOUNTERS: ";S1;", ENROLMENTS: '"S1"', POPULATION: '"1",1,1'}
OTHER = {RESIDENTS: ";106;", ENCOUNTERS: ";S2;", ENROLMENTS: '"S2"', POPULATION: '"1",2,2'}
COLUMN = {
    RESIDENTS: "municipality_code",
    ENCOUNTERS: "site_id",
    ENROLMENTS: "site_id",
    POPULATION: "male_count",
}


@pytest.fixture
def session(tmp_path: Path) -> Iterator[Session]:
    with new_home(tmp_path) as opened:
        yield opened


def send(session: Session, form: Form, number: int, data: bytes | None = None) -> Ingested:
    """Land one delivery, by its number, and take it in."""
    sequence = form.sequence(number)
    dated = None if data is None else form.dated(sequence, data)
    form.land(session.lake.settings.landing, sequence, dated)
    return pipeline.ingest(session, report=silent)


def changed(form: Form) -> bytes:
    """The sound file with another value in one record."""
    return swap(TEXT[form], OTHER[form])(form.data)


def current(session: Session, form: Form) -> list[str]:
    """Values in force of the column that `changed` changes."""
    table = f"current.{form.contract.table}"
    return [
        str(v) for (v,) in session.lake.rows(f"select {COLUMN[form]} from {table} order by all")
    ]


def delivered(session: Session, form: Form) -> list[tuple[int, int]]:
    """Sequence and accepted rows of every delivery in the register."""
    return session.lake.rows(
        "select delivery_sequence, accepted_count from ops.delivery"
        " where source || '/' || table_name = ? order by all",
        [form.key],
    )


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.key)
def test_a_sequence_sent_again_with_other_bytes_is_refused_and_the_first_stands(
    session: Session, form: Form
) -> None:
    send(session, form, 0)
    before = (current(session, form), delivered(session, form))

    again = send(session, form, 0, changed(form))

    (refusal,) = again.refusals
    assert refusal.label == f"{form.key} {form.first_sequence}"
    assert refusal.message.endswith("[rule sequence.other_bytes]")
    assert leaked([refusal.message], changed(form), form.contract) == set()
    assert (current(session, form), delivered(session, form)) == before
    later = send(session, form, 1)  # beside the refused file, which still lies there
    assert [o.label for o in later.outcomes] == [f"{form.key} {form.sequence(1)}"]


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.key)
def test_the_same_file_twice_is_one_delivery(session: Session, form: Form) -> None:
    send(session, form, 0)
    before = (current(session, form), delivered(session, form))

    again = send(session, form, 0)

    assert [outcome.verdict for outcome in again.outcomes] == [None]
    assert again.refusals == ()
    assert (current(session, form), delivered(session, form)) == before
    assert not form.path(session.lake.settings.landing, form.first_sequence).exists()


@pytest.mark.parametrize("form", MONTHLY, ids=lambda form: form.key)
def test_the_same_bytes_under_a_later_sequence_are_a_delivery_that_changes_no_value(
    session: Session, form: Form
) -> None:
    send(session, form, 0)
    before = current(session, form)

    send(session, form, 1)

    assert current(session, form) == before
    count = form.record_count
    assert delivered(session, form) == [(form.sequence(0), count), (form.sequence(1), count)]


def test_a_table_whose_header_names_the_year_is_not_taken_for_another_year(
    session: Session,
) -> None:
    POPULATION.land(session.lake.settings.landing, POPULATION.sequence(1), POPULATION.data)

    ingested = pipeline.ingest(session, report=silent)

    assert "rule file.header, line 3, column Miehet 2019" in ingested.refusals[0].message


@pytest.mark.parametrize("form", MONTHLY, ids=lambda form: form.key)
def test_a_later_delivery_corrects_and_one_with_the_earlier_bytes_corrects_back(
    session: Session, form: Form
) -> None:
    send(session, form, 0)
    first = current(session, form)

    send(session, form, 1, changed(form))
    corrected = current(session, form)
    send(session, form, 2)

    assert len(set(corrected) - set(first)) == 1
    assert current(session, form) == first


@pytest.mark.parametrize("form", MONTHLY, ids=lambda form: form.key)
def test_a_correction_stands_though_what_it_corrects_comes_after_it(
    session: Session, form: Form
) -> None:
    send(session, form, 1, changed(form))
    corrected = current(session, form)

    send(session, form, 0)

    assert current(session, form) == corrected


@pytest.mark.parametrize("form", FORMS, ids=lambda form: form.key)
def test_a_gap_is_marked_until_it_is_filled(session: Session, form: Form) -> None:
    send(session, form, 0)
    send(session, form, 2)

    def gaps() -> dict[str, tuple[int, ...]]:
        statuses = table_statuses(session.lake, session.definition.catalogue)
        return {s.key: s.gap_sequences for s in statuses if s.gap_sequences}

    assert gaps() == {form.key: (form.sequence(2),)}
    send(session, form, 1)
    assert gaps() == {}


def rows_of_first_key(session: Session) -> list[tuple[int, int, str]]:
    return session.lake.rows(
        "select delivery_sequence, record_number, site_id from staging.encounters"
        " where encounter_id = 1 order by all"
    )


@pytest.mark.parametrize(
    ("saved", "kept"),
    [("11:00:00", (7, "S2")), ("09:00:00", (1, "S1")), ("10:00:00", (7, "S2"))],
    ids=["saved later", "saved earlier", "saved at the same time"],
)
def test_of_a_key_twice_in_a_delivery_the_record_saved_last_is_kept_and_the_other_counted(
    session: Session, saved: str, kept: tuple[int, str]
) -> None:
    row = line(ENCOUNTERS, 2).replace(b"S1", b"S2").replace(b"10:00:00", saved.encode())

    ingested = send(session, ENCOUNTERS, 0, ENCOUNTERS.data + row)

    (outcome,) = ingested.outcomes
    assert outcome.verdict is not None
    verdict = outcome.verdict
    assert (verdict.received, verdict.accepted, verdict.duplicate) == (7, 6, 1)
    assert rows_of_first_key(session) == [(ENCOUNTERS.sequence(0), *kept)]
    assert session.lake.rows("select record_number, rule_id from ops.quarantine") == [
        (8 - kept[0], "primary_key.duplicate")
    ]


def test_of_a_person_twice_in_a_snapshot_the_last_record_is_kept(session: Session) -> None:
    """A snapshot has no update time: the place in the file decides."""
    row = line(RESIDENTS, 2).replace(b";091;", b";106;")

    send(session, RESIDENTS, 0, RESIDENTS.data + row)

    assert sorted(current(session, RESIDENTS)) == ["091"] * 5 + ["106"]


def test_a_bad_record_does_not_push_out_the_good_one_with_its_key(session: Session) -> None:
    row = line(RESIDENTS, 2).replace(b";1.1.1950;", b";31.4.1950;")

    ingested = send(session, RESIDENTS, 0, RESIDENTS.data + row)

    verdicts = [o.verdict for o in ingested.outcomes if o.verdict]
    assert [(v.accepted, v.quarantined, v.duplicate) for v in verdicts] == [(6, 1, 0)]


def test_a_key_in_two_deliveries_is_a_correction_by_the_rows_own_update_time(
    session: Session,
) -> None:
    send(session, ENCOUNTERS, 0)
    stale = on_line(2, swap("S1;2018-01-01 09:00:00", "S9;2018-01-01 09:00:00"))(ENCOUNTERS.data)
    stale = on_line(2, swap("2018-01-01 10:00:00", "2018-01-01 09:59:59"))(stale)

    send(session, ENCOUNTERS, 1, stale)

    assert "S9" not in current(session, ENCOUNTERS)
    assert [site for _, _, site in rows_of_first_key(session)] == ["S1", "S9"]


def test_persons_are_not_made_up_by_repeats(session: Session) -> None:
    for number in range(3):
        send(session, RESIDENTS, number)
        send(session, ENCOUNTERS, number)

    assert session.lake.count("select count(*) from vault.identity") == len(CODES)
