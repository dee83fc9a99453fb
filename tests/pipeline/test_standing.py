"""Which deliveries count: withdrawn, reinstated, corrected back, sent twice, missing.

Here: a few deliveries each, against lakes that never had them or always did. Random histories are
in `tests/property/test_arrival_order.py`.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import pytest

from dagster_project.errors import TietoallasError
from dagster_project.lake import status
from dagster_project.lake.status import TableStatus
from dagster_project.pipeline import Session
from tests.support.deliveries import (
    ENCOUNTERS,
    ENROLMENTS,
    RESIDENTS,
    Sent,
    encounter,
    enrolment,
    reference_lists,
    resident,
    sent,
)
from tests.support.homes import contents, take_in, turn
from tests.support.identity import born, code
from tests.support.lakes import assert_as_built_at_once, bring, quick_lake
from tests.support.quick_lake import empty, quick_build

pytestmark = pytest.mark.usefixtures("few_tables")

LISTS = reference_lists()
HOME = {"municipality_code": "091"}
AWAY = {"municipality_code": "092", "moved_date": date(2017, 2, 3)}


def register(sequence: int, place: dict[str, object] | None = None) -> Sent:
    """A snapshot of two persons, the first in the place given."""
    first = resident(code(0), born(0)) | (place or HOME)  # type: ignore[operator]
    return sent(RESIDENTS, sequence, first, resident(code(1), born(1)))


def increment(sequence: int, duration: str = "10.0") -> Sent:
    """Encounter 1 anew, and one of the month's own."""
    month = sequence % 100
    return sent(
        ENCOUNTERS,
        sequence,
        encounter(
            1,
            code(0),
            datetime(2017, 1, 2, 9),
            duration_minutes=duration.replace(".", ","),
            updated_at=datetime(2017, month, 20),
        ),
        encounter(100 + month, code(1), datetime(2017, month, 3, 9)),
    )


ALL = (
    *LISTS,
    register(201701),
    register(201702, AWAY),
    register(201703, AWAY),
    increment(201701),
    increment(201702, "20.0"),
    increment(201703, "30.0"),
    sent(ENROLMENTS, 201702, enrolment("L1", code(0), date(2017, 2, 1))),
    sent(ENROLMENTS, 201703, enrolment("L1", code(0), date(2017, 2, 1), site_id="S2")),
)
TURNED = [(RESIDENTS, 201702), (RESIDENTS, 201703), (ENCOUNTERS, 201703), (ENROLMENTS, 201703)]


@pytest.fixture
def lake() -> Iterator[Session]:
    with quick_lake() as session:
        yield session


@pytest.mark.parametrize(("key", "sequence"), TURNED)
def test_core_without_a_withdrawn_delivery_is_that_of_a_lake_that_never_had_it(
    lake: Session, key: str, sequence: int
) -> None:
    bring(lake, *ALL)
    turn(lake, key, sequence)
    quick_build(lake)
    never = [d for d in ALL if (d.key, d.sequence) != (key, sequence)]
    assert_as_built_at_once(lake, never)


@pytest.mark.parametrize(("key", "sequence"), TURNED)
def test_core_with_a_reinstated_delivery_is_that_of_a_lake_that_always_had_it(
    lake: Session, key: str, sequence: int
) -> None:
    bring(lake, *ALL)
    before = contents(lake)
    turn(lake, key, sequence)
    quick_build(lake)
    assert contents(lake) != before
    turn(lake, key, sequence)
    quick_build(lake)
    assert contents(lake) == before


def test_withdrawing_the_only_delivery_of_a_table_takes_its_rows_away(lake: Session) -> None:
    bring(lake, *LISTS, register(201701), increment(201701))
    turn(lake, ENCOUNTERS, 201701)
    quick_build(lake)
    assert_as_built_at_once(lake, (*LISTS, register(201701)))


def test_a_withdrawn_delivery_sent_again_stays_withdrawn(lake: Session) -> None:
    bring(lake, *LISTS, register(201701), increment(201701), increment(201702))
    turn(lake, ENCOUNTERS, 201702)
    (again,) = take_in(lake, increment(201702)).outcomes
    assert again.verdict is None
    quick_build(lake)
    assert_as_built_at_once(lake, (*LISTS, register(201701), increment(201701)))


def test_what_is_not_there_cannot_be_withdrawn_nor_what_is_in_force_reinstated(
    lake: Session,
) -> None:
    bring(lake, *LISTS, register(201701))
    catalogue, run = lake.definition.catalogue, lake.run
    with pytest.raises(TietoallasError, match="never taken in"):
        status.withdraw(lake.lake, catalogue, run, key=RESIDENTS, sequence=201702, reason="test")
    with pytest.raises(TietoallasError, match="in force already"):
        status.reinstate(lake.lake, catalogue, run, key=RESIDENTS, sequence=201701, reason="test")
    with pytest.raises(TietoallasError, match="no contract"):
        status.withdraw(lake.lake, catalogue, run, key="a/b", sequence=201701, reason="test")


def test_the_same_bytes_under_a_later_sequence_are_a_correction_back(lake: Session) -> None:
    """January's register sent again as March's: the person is where January said, from then on."""
    first, second = register(201701), register(201702, AWAY)
    third = Sent(RESIDENTS, 201703, first.rows)
    bring(lake, *LISTS, first)
    bring(lake, second)
    bring(lake, third)
    shas = lake.lake.rows(
        "select delivery_sequence, sha256 from ops.delivery"
        " where table_name = 'residents' order by 1"
    )
    assert [s for s, _ in shas] == [201701, 201702, 201703]
    assert shas[0][1] == shas[2][1] != shas[1][1]
    homes = lake.lake.rows(
        "select municipality_code, known_from_seq, known_to_seq from core.residence"
        " join core.person using (person_id) where birth_date = ? and valid_to_date is null"
        " order by known_from_seq",
        [born(0)],
    )
    assert homes == [("091", 201701, 201702), ("092", 201702, 201703), ("091", 201703, None)]


def test_other_bytes_under_a_known_sequence_are_refused_and_change_nothing(lake: Session) -> None:
    bring(lake, *LISTS, register(201701), increment(201701))
    before = contents(lake)
    (refusal,) = take_in(lake, increment(201701, "99.0")).refusals
    assert "sequence.other_bytes" in refusal.message
    empty(lake.lake.settings.landing)
    quick_build(lake)
    assert contents(lake) == before
    bring(lake, increment(201702))


def table_status(session: Session, key: str) -> TableStatus:
    found = status.table_statuses(session.lake, session.definition.catalogue)
    return next(s for s in found if s.key == key)


def test_a_gap_is_accepted_and_marked_until_the_missing_delivery_comes(lake: Session) -> None:
    bring(lake, *LISTS, register(201701), increment(201701))
    bring(lake, increment(201703), register(201703, AWAY))
    assert table_status(lake, ENCOUNTERS).gap_sequences == (201703,)
    assert table_status(lake, RESIDENTS).gap_sequences == (201703,)
    assert lake.lake.count("select count(*) from core.encounter where encounter_id = 103") == 1
    bring(lake, increment(201702), register(201702))
    assert table_status(lake, ENCOUNTERS).gap_sequences == ()
    assert table_status(lake, RESIDENTS).gap_sequences == ()
    assert_as_built_at_once(
        lake,
        (
            *LISTS,
            register(201701),
            increment(201701),
            register(201702),
            increment(201702),
            register(201703, AWAY),
            increment(201703),
        ),
    )


def test_the_first_delivery_of_a_source_is_no_gap(lake: Session) -> None:
    bring(lake, *LISTS, register(201705))
    assert table_status(lake, RESIDENTS).gap_sequences == ()


@pytest.mark.parametrize("withdrawn", [201701, 201703])
def test_months_between_two_snapshots_are_lived_in_as_a_lake_built_at_once_says(
    lake: Session, withdrawn: int
) -> None:
    """A gap's months belong to the stay only while both of its ends are in force."""
    deliveries = [*LISTS, register(201701), register(201703)]
    bring(lake, *deliveries)
    turn(lake, RESIDENTS, withdrawn)
    quick_build(lake)
    assert_as_built_at_once(
        lake, [d for d in deliveries if (d.key, d.sequence) != (RESIDENTS, withdrawn)]
    )


def test_reference_lists_that_come_last_change_what_was_built_without_them(lake: Session) -> None:
    rest = [register(201701), register(201703), increment(201701), increment(201703)]
    bring(lake, *rest)
    bring(lake, *LISTS)
    assert_as_built_at_once(lake, [*LISTS, *rest])
