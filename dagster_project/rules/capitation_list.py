"""Whose list a person is on, day by day: the slow statement of the rule, for one to check by.

Here: one person and one month. Not here: what is known when, or what a day is paid
(`rules.capitation`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from dagster_project.rules.capitation import age_on


@dataclass(frozen=True)
class Choice:
    """A choice of provider from a day on, to the day before its end if it has one."""

    provider_id: str
    from_date: date
    to_date: date | None


@dataclass(frozen=True)
class Stay:
    """A stay in a municipality of the area, likewise."""

    municipality_code: str
    from_date: date
    to_date: date | None


@dataclass(frozen=True)
class Resident:
    """A person with what decides whose list they are on."""

    birth_date: date
    choices: Sequence[Choice]
    stays: Sequence[Stay]


Cell = tuple[str, int, str]
"""Provider, age in years, municipality."""


def listed_days(resident: Resident, month: date, *, delay_days: int = 0) -> Counter[Cell]:
    """Days of a month by provider, age and municipality; days of no choice or no stay are none."""
    return Counter(
        (choice.provider_id, age_on(resident.birth_date, day), stay.municipality_code)
        for day in days_of(month)
        for choice in resident.choices
        if _holds(choice, day - timedelta(delay_days))
        for stay in resident.stays
        if _holds(stay, day)
    )


def days_of(month: date) -> Iterator[date]:
    """The days of a month."""
    day = month
    while day.month == month.month:
        yield day
        day += timedelta(1)


def _holds(span: Choice | Stay, day: date) -> bool:
    return span.from_date <= day and (span.to_date is None or day < span.to_date)
