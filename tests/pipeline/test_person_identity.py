"""A person is not a code: changes, merges and their undoing, found out after the fact.

Here: hand-made deliveries, month by month, each also held against a lake built in one go.
Not here: what a code looks like (`tests/unit`), random lives (`tests/property`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime

import pytest

from dagster_project.pipeline import Session
from tests.support.deliveries import (
    DIAGNOSES,
    ENCOUNTERS,
    ENROLMENTS,
    RESIDENTS,
    Row,
    Sent,
    diagnosis,
    encounter,
    enrolment,
    reference_lists,
    resident,
    sent,
)
from tests.support.homes import person
from tests.support.identity import born, code, identity_code
from tests.support.lakes import assert_as_built_at_once, bring, quick_lake

pytestmark = pytest.mark.usefixtures("few_tables")

BORN = born(0)
A, B, C = code(0), code(100), code(200)
STEADY = resident(code(7), born(7))


class Story:
    """Deliveries told one after the other, each followed by a build."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.told: list[Sent] = []

    def tell(self, *deliveries: Sent) -> None:
        """Deliver and build."""
        bring(self.session, *deliveries)
        self.told.extend(deliveries)

    def register(self, sequence: int, *rows: Row) -> None:
        """A snapshot of these persons and one to whom nothing happens."""
        self.tell(sent(RESIDENTS, sequence, *rows, STEADY))

    def persons_of(self, table: str) -> list[int]:
        """Whose rows a core table holds, the steady person's apart."""
        steady = person(self.session, code(7))
        rows = self.session.lake.rows(f"select person_id from core.{table} order by all")
        return [p for (p,) in rows if p != steady]

    def id(self, identity: str) -> int:
        """The person of a code."""
        return person(self.session, identity)

    def check(self) -> None:
        """Step by step and in one go say the same."""
        assert_as_built_at_once(self.session, self.told)


@pytest.fixture
def story() -> Iterator[Story]:
    with quick_lake() as session:
        told = Story(session)
        told.tell(*reference_lists())
        yield told
        told.check()


def visit(number: int, who: str, month: int) -> Sent:
    """An encounter and its diagnosis do not come alone: the steady person also visits."""
    return sent(
        ENCOUNTERS,
        201700 + month,
        encounter(number, who, datetime(2017, month, 4, 9)),
        encounter(900 + month, code(7), datetime(2017, month, 5, 9)),
    )


def coded(number: int, who: str, month: int) -> Sent:
    return sent(
        DIAGNOSES,
        201700 + month,
        diagnosis(number, who, date(2017, month, 4)),
        diagnosis(900 + month, code(7), date(2017, month, 5)),
    )


def test_an_artificial_code_replaced_gives_old_encounters_to_the_person(story: Story) -> None:
    story.register(201701, resident(A, BORN))
    story.tell(visit(1, A, 1), coded(1, A, 1))
    assert story.persons_of("encounter") == [story.id(A)]
    story.register(201702, resident(B, BORN, previous_person_id=A))
    assert story.persons_of("encounter") == [story.id(B)]
    assert story.persons_of("diagnosis") == [story.id(B)]
    assert story.persons_of("person") == [story.id(B)]
    assert set(story.persons_of("residence")) == {story.id(B)}
    assert set(story.persons_of("person_month")) == {story.id(B)}


def test_an_encounter_that_lags_behind_with_the_old_code_is_the_persons(story: Story) -> None:
    story.register(201701, resident(A, BORN))
    story.register(201702, resident(B, BORN, previous_person_id=A))
    story.tell(visit(1, A, 3))
    assert story.persons_of("encounter") == [story.id(B)]


def test_an_encounter_that_comes_before_the_register_knows_the_code_is_the_persons(
    story: Story,
) -> None:
    story.tell(visit(1, A, 1))
    story.register(201701, resident(B, BORN, previous_person_id=A))
    assert story.persons_of("encounter") == [story.id(B)]


def test_a_merge_undone_takes_the_two_persons_apart_again(story: Story) -> None:
    other = resident(B, born(0), municipality_code="092", moved_date=date(2016, 5, 1))
    story.register(201701, resident(A, BORN), other)
    story.tell(visit(1, A, 1))
    story.tell(visit(2, B, 2))
    assert story.persons_of("encounter") == sorted([story.id(A), story.id(B)])
    story.register(201702, resident(A, BORN, previous_person_id=B))
    assert story.persons_of("encounter") == [story.id(A)] * 2
    assert story.persons_of("person") == [story.id(A)]
    story.register(201703, resident(A, BORN), other)
    assert story.persons_of("encounter") == sorted([story.id(A), story.id(B)])
    assert story.persons_of("person") == sorted([story.id(A), story.id(B)])
    homes = story.session.lake.rows(
        "select person_id, municipality_code from core.residence"
        " where known_to_seq is null and valid_to_date is null and person_id in (?, ?)",
        [story.id(A), story.id(B)],
    )
    assert dict(homes) == {story.id(A): "091", story.id(B): "092"}


def test_a_merged_person_who_is_listed_has_a_home(story: Story) -> None:
    """The code that is gone had moved later than the one that stays: still nobody has left."""
    gone = resident(B, born(0), municipality_code="092", moved_date=date(2016, 5, 1))
    story.register(201701, resident(A, BORN), gone)
    for sequence in (201702, 201703):
        story.register(sequence, resident(A, BORN, previous_person_id=B))
    homes = story.session.lake.rows(
        "select municipality_code, valid_to_date from core.residence"
        " where known_to_seq is null and person_id = ?",
        [story.id(A)],
    )
    assert homes == [("091", None)]


def test_a_chain_of_codes_leads_to_the_newest(story: Story) -> None:
    story.register(201701, resident(A, BORN))
    story.tell(visit(1, A, 1))
    story.register(201702, resident(B, BORN, previous_person_id=A))
    story.tell(visit(2, B, 2))
    story.register(201703, resident(C, BORN, previous_person_id=B))
    story.tell(visit(3, C, 3))
    assert story.persons_of("encounter") == [story.id(C)] * 3
    assert story.persons_of("person") == [story.id(C)]


def test_a_chain_holds_when_the_person_has_died(story: Story) -> None:
    story.register(201701, resident(A, BORN))
    story.tell(visit(1, A, 1))
    died = date(2017, 2, 11)
    story.register(201702, resident(B, BORN, previous_person_id=A, death_date=died))
    story.register(201703)
    assert story.persons_of("encounter") == [story.id(B)]


def test_a_change_taken_back_leaves_one_person_under_the_first_code(story: Story) -> None:
    story.register(201701, resident(A, BORN))
    story.tell(visit(1, A, 1))
    story.register(201702, resident(B, BORN, previous_person_id=A))
    story.tell(visit(2, B, 2))
    story.register(201703, resident(A, BORN, previous_person_id=B))
    assert story.persons_of("encounter") == [story.id(A)] * 2
    assert story.persons_of("person") == [story.id(A)]


def test_codes_that_differ_in_the_century_mark_alone_stay_two_persons(story: Story) -> None:
    young = identity_code(date(2015, 6, 15), 998, mark="A")
    old = identity_code(date(1915, 6, 15), 998, mark="-")
    assert young.replace("A", "-", 1) == old or young[:6] + young[7:] == old[:6] + old[7:]
    story.register(201701, resident(young, date(2015, 6, 15)), resident(old, date(1915, 6, 15)))
    story.tell(visit(1, young, 1), visit(2, old, 2))
    assert story.persons_of("encounter") == sorted([story.id(young), story.id(old)])
    births = story.session.lake.rows(
        "select person_id, birth_date from core.person where person_id in (?, ?)",
        [story.id(young), story.id(old)],
    )
    assert dict(births) == {story.id(young): date(2015, 6, 15), story.id(old): date(1915, 6, 15)}


def test_a_code_in_lower_case_is_the_same_person(story: Story) -> None:
    lettered = next(c for c in map(code, range(40)) if c[-1].isalpha())
    story.register(201701, resident(lettered, BORN))
    story.tell(visit(1, lettered.lower(), 1))
    assert story.persons_of("encounter") == [story.id(lettered)]


def test_choices_under_two_codes_are_one_clients_once_they_are_merged(story: Story) -> None:
    story.register(201701, resident(A, BORN), resident(B, BORN))
    story.tell(
        sent(
            ENROLMENTS,
            201701,
            enrolment("L1", A, date(2017, 1, 2)),
            enrolment("L2", B, date(2017, 1, 20), provider_id="P2", site_id="S3"),
        )
    )
    ends = "select enrolment_id, valid_to_date from core.enrolment where known_to_seq is null"
    assert dict(story.session.lake.rows(ends)) == {"L1": None, "L2": None}
    story.register(201702, resident(A, BORN, previous_person_id=B))
    assert dict(story.session.lake.rows(ends)) == {"L1": date(2017, 1, 20), "L2": None}
    assert set(story.persons_of("enrolment")) == {story.id(A)}
    story.register(201703, resident(A, BORN), resident(B, BORN))
    assert dict(story.session.lake.rows(ends)) == {"L1": None, "L2": None}
