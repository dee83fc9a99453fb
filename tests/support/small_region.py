"""Two months of a region of six people: what a test delivers when it tests a whole run.

Here: one delivery or more of every person-level table, with a bad row in each, a code that
changes, a protection order that comes with the second month, a restated encounter. Not here: how a
row is written (`deliveries`), a plausible population (`dagster_project.synthetic`).
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal

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
from tests.support.identity import born, code

PERSONS = 6
CODES = tuple(code(number) for number in range(PERSONS))
CHANGING, PROTECTED = 1, 2
"""Positions in `CODES` of who gets a new code, and of who is protected, in the second month."""
LATER_CODE = code(100)
MAY, JUNE = 201705, 201706
MUNICIPALITY_CODES, SITE_IDS, PROVIDER_IDS = ("091", "092"), ("S1", "S3"), ("P1", "P2")


def deliveries() -> tuple[Sent, ...]:
    """All deliveries of both months."""
    return (*reference_lists(), *of_month(MAY), *of_month(JUNE))


def of_month(sequence: int) -> tuple[Sent, ...]:
    """The person-level deliveries of a month; choices and diagnoses come in the first alone."""
    listed = residents(sequence, orders=[PROTECTED] if sequence == JUNE else [])
    met = sent(ENCOUNTERS, sequence, *_encounters(sequence))
    return (listed, met) if sequence == JUNE else (listed, met, _diagnoses(), _enrolments())


def june_without_order() -> tuple[Sent, ...]:
    """The second month with nobody newly protected, so that what is published may stay."""
    return (residents(JUNE, orders=[]), *of_month(JUNE)[1:])


def residents(sequence: int, *, orders: Iterable[int]) -> Sent:
    """Everybody, `orders` under a protection order, and one row without a date of birth."""
    later = sequence == JUNE
    rows = [
        resident(
            LATER_CODE if later and number == CHANGING else CODES[number],
            born(number),
            previous_person_id=CODES[CHANGING] if later and number == CHANGING else None,
            municipality_code=MUNICIPALITY_CODES[number % 2],
            postal_code=f"0010{number}",
            sex_code=str(1 + number % 2),
            moved_date=date(2012, 3, 1),
            has_protection_order=number in orders,
        )
        for number in range(PERSONS)
    ]
    return sent(RESIDENTS, sequence, *rows, {**rows[0], "person_id": code(90), "birth_date": None})


def _encounters(sequence: int) -> list[Row]:
    """One a person, one of a type that does not exist; June restates the first of May."""
    month, later = sequence % 100, sequence == JUNE
    rows = [
        encounter(
            sequence * 100 + number,
            LATER_CODE if later and number == CHANGING else CODES[number],
            datetime(2017, month, 10 + number, 9, 30),
            site_id=SITE_IDS[number % 2],
            duration_minutes=Decimal("12.5"),
        )
        for number in range(PERSONS)
    ]
    bad = {**rows[0], "encounter_id": sequence * 100 + 90, "contact_type_code": "R99"}
    restated = {**rows[0], "encounter_id": MAY * 100, "urgency_code": "2"}
    return [*rows, bad, *([restated] if later else [])]


def _diagnoses() -> Sent:
    """Two, and one of an encounter that nobody delivers."""
    numbers = enumerate((MAY * 100, MAY * 100 + 1, 999))
    return sent(DIAGNOSES, MAY, *(diagnosis(n, CODES[i], date(2017, 5, 10)) for i, n in numbers))


def _enrolments() -> Sent:
    """Everybody chooses; one record states a channel that does not exist."""
    rows = [
        enrolment(
            f"L{number}",
            CODES[number],
            date(2017, 5, 2),
            provider_id=PROVIDER_IDS[number % 2],
            site_id=SITE_IDS[number % 2],
        )
        for number in range(PERSONS)
    ]
    return sent(ENROLMENTS, MAY, *rows, {**rows[0], "enrolment_id": "L90", "channel_code": "fax"})
