"""The SQL of residence and enrolment says what the slow reference says, whatever is delivered.

Here: Hypothesis against `support/reference.py`. Not here: scenarios that a person can read
(`tests/spec`).
"""

from __future__ import annotations

import itertools
from datetime import date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dagster_project.contracts.model import SequenceStep
from dagster_project.pipeline import load_definition
from tests.support import reference
from tests.support.benches import (
    enrolment_bench,
    enrolment_by_sql,
    residence_bench,
    residence_by_sql,
)
from tests.support.models import Bench
from tests.support.reference import Snapshot, Statement, Version

SEQUENCES = (201701, 201702, 201703, 201704, 201705)
days = st.dates(date(2016, 12, 25), date(2017, 6, 5))
places = st.sampled_from([("091", "00100"), ("091", "00200"), ("092", "01300"), None])


@pytest.fixture(scope="module")
def residence() -> Bench:
    return residence_bench()


@pytest.fixture(scope="module")
def enrolment() -> Bench:
    return enrolment_bench()


def statements(codes: int) -> st.SearchStrategy[tuple[Statement, ...]]:
    one = st.builds(
        Statement,
        code=st.integers(1, codes),
        place=places,
        moved=days,
        death=st.none() | days,
    )
    return st.lists(one, max_size=codes, unique_by=lambda s: s.code).map(tuple)


@st.composite
def registers(draw: st.DrawFn, codes: int = 1) -> list[Snapshot]:
    """Snapshots in which what was said before often stands, and sometimes all changes."""
    contract = load_definition().catalogue.latest("population_register/residents")
    assert contract.delivery.sequence_step is SequenceStep.MONTH
    pool = draw(st.lists(statements(codes), min_size=1, max_size=3))
    kept = draw(st.lists(st.sampled_from(SEQUENCES), min_size=1, unique=True))
    # No snapshot is empty: the contract refuses one.
    steady = Statement(99, ("091", "00900"), date(2010, 1, 1))
    return [
        Snapshot(s, contract.delivery.last_date(s), (*draw(st.sampled_from(pool)), steady))
        for s in sorted(kept)
    ]


@given(register=registers())
def test_residence_of_one_person_is_what_replaying_the_register_says(
    residence: Bench, register: list[Snapshot]
) -> None:
    rows = residence_by_sql(residence, register)
    assert len(rows) == len(set(rows))
    assert set(rows) == reference.residence(register)


@given(register=registers(codes=3), merged=st.booleans())
def test_residence_of_merged_codes_is_one_persons(
    residence: Bench, register: list[Snapshot], *, merged: bool
) -> None:
    alias = {1: 3, 2: 3} if merged else {1: 3}
    rows = residence_by_sql(residence, register, alias)
    assert set(rows) == reference.residence(register, alias)


@given(register=registers(codes=3))
def test_a_person_lives_in_one_place_at_a_time_whatever_is_known(
    residence: Bench, register: list[Snapshot]
) -> None:
    rows = residence_by_sql(residence, register)
    for sequence in SEQUENCES:
        known = sorted(
            (r.fact.person, r.fact.valid_from, r.fact.valid_to or date.max)
            for r in rows
            if r.known_from <= sequence and (r.known_to is None or sequence < r.known_to)
        )
        for (person, start, end), (other, later, _) in itertools.pairwise(known):
            assert start < end
            assert person != other or end <= later


starts = st.dates(date(2017, 1, 1), date(2018, 3, 31))


@st.composite
def portals(draw: st.DrawFn, *, clients: int = 1) -> list[Version]:
    """Versions of a few enrolments, at most one of each in a delivery, saved in any order."""
    keys = draw(
        st.lists(
            st.tuples(st.sampled_from(["L1", "L2", "L3"]), st.sampled_from(SEQUENCES)),
            unique=True,
            max_size=8,
        )
    )
    return [_version(draw, enrolment, sequence, clients) for enrolment, sequence in keys]


def _version(draw: st.DrawFn, enrolment: str, sequence: int, clients: int) -> Version:
    start = draw(starts)
    length = draw(st.none() | st.integers(1, 400))
    site = draw(st.sampled_from(["S1", "S2", "S3"]))
    return Version(
        sequence=sequence,
        enrolment=enrolment,
        person=draw(st.integers(1, clients)),
        service=draw(st.sampled_from(["reception", "dental"])) if clients > 1 else "reception",
        provider="P1" if site == "S1" else "P2",
        site=site,
        start=start,
        end=None if length is None else start + timedelta(days=length),
        updated=draw(
            st.datetimes(datetime(2017, 1, 1), datetime(2017, 1, 3)).map(
                lambda t: t.replace(minute=0, second=0, microsecond=0)
            )
        ),
    )


@given(portal=portals())
def test_enrolment_is_what_replaying_the_portal_says(
    enrolment: Bench, portal: list[Version]
) -> None:
    rows = enrolment_by_sql(enrolment, portal)
    assert len(rows) == len(set(rows))
    assert set(rows) == reference.enrolment(portal)


@given(portal=portals(clients=2))
def test_an_enrolment_corrected_to_another_client_or_service_leaves_the_first(
    enrolment: Bench, portal: list[Version]
) -> None:
    assert set(enrolment_by_sql(enrolment, portal)) == reference.enrolment(portal)


@given(portal=portals(clients=2))
def test_what_was_known_at_a_delivery_can_be_asked_for_later(
    enrolment: Bench, portal: list[Version]
) -> None:
    """The rows known at a delivery are those of a portal that sent nothing after it."""
    rows = enrolment_by_sql(enrolment, portal)
    for sequence in SEQUENCES:
        known = {
            r.fact
            for r in rows
            if r.known_from <= sequence and (r.known_to is None or sequence < r.known_to)
        }
        assert known == reference.choices_known_at(portal, sequence)
