"""Code lists, postal codes, permits and legal limits: whole lists whenever a row of one changes.

Here: each list as rows with the dates between which they hold, and how much of them is known on a
day. Not here: the lists themselves (`parameters/code_lists.yaml` and its neighbours).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

import polars as pl

from dagster_project.synthetic.months import EPOCH, Month
from dagster_project.synthetic.parameters import Parameters, Section
from dagster_project.synthetic.writers import Deliveries

AVOHILMO, ICPC2 = "reference/avohilmo_codes", "reference/icpc2_codes"
ICD10, PROCEDURES = "reference/icd10_codes", "reference/procedure_codes"
SPECIALITIES, POSTAL_CODES = "reference/specialities", "reference/postal_codes"
PERMITS, ACCESS_LIMITS = "reference/permits", "reference/access_limits"


@dataclass(frozen=True)
class Entry:
    """One row of a list and the half-open span in which it holds."""

    values: tuple[str | None, ...]
    valid_from: date
    valid_to: date | None = None


@dataclass(frozen=True)
class DatedList:
    """A list with the names of what its rows say."""

    columns: tuple[str, ...]
    entries: tuple[Entry, ...]

    def delivery_days(self, first: date, last: date) -> list[date]:
        """The first day of a window, and every day in it on which the list changes."""
        turns = {day for e in self.entries for day in (e.valid_from, e.valid_to)}
        return sorted({first, *(day for day in turns if day is not None and first < day <= last)})

    def known_on(self, day: date) -> pl.DataFrame:
        """Rows as known on a day: none that begins later, no end that is yet to come."""
        known = [e for e in self.entries if e.valid_from <= day]
        named = {name: [e.values[i] for e in known] for i, name in enumerate(self.columns)}
        ends = [e.valid_to if e.valid_to and e.valid_to <= day else None for e in known]
        named["valid_from_date"] = [e.valid_from.isoformat() for e in known]
        named["valid_to_date"] = [end.isoformat() if end else None for end in ends]
        return pl.DataFrame(named, schema=dict.fromkeys(named, pl.String))


def deliver_code_lists(
    deliveries: Deliveries, parameters: Parameters, months: Sequence[Month]
) -> None:
    """Write every list as of the first day of the window and of every change of it therein."""
    first = EPOCH + timedelta(days=months[0].first)
    last = EPOCH + timedelta(days=months[-1].last)
    for key, dated in dated_lists(parameters).items():
        for day in dated.delivery_days(first, last):
            rows = dated.known_on(day)
            if len(rows):  # a list that says nothing yet is not sent
                sequence = day.year * 10_000 + day.month * 100 + day.day
                deliveries.append(key, sequence, rows)


def dated_lists(parameters: Parameters) -> dict[str, DatedList]:
    """Every list by its contract's key."""
    lists = parameters.code_lists
    since: date = lists["since"]
    return {
        AVOHILMO: _in_sets(lists["avohilmo"], since),
        ICPC2: DatedList(
            ("code", "name_fi", "name_en"), _entries(lists["icpc2"]["codes"], 3, since)
        ),
        ICD10: _icd10(parameters),
        PROCEDURES: _in_sets(lists["procedures"], since),
        SPECIALITIES: DatedList(("code", "name_fi"), _entries(lists["specialities"], 2, since)),
        POSTAL_CODES: DatedList(
            ("postal_code", "name_fi", "municipality_code"),
            _entries(
                parameters.postal_code_list["postal_codes"],
                3,
                parameters.postal_code_list["since"],
            ),
        ),
        PERMITS: _permits(parameters),
        ACCESS_LIMITS: _access_limits(parameters),
    }


def _entries(rows: Iterable[Sequence[Any]], width: int, since: date) -> tuple[Entry, ...]:
    """Rows of `width` values, then the first day and the day after the last where they differ."""
    return tuple(
        Entry(
            tuple(row[:width]),
            row[width] if len(row) > width else since,
            row[width + 1] if len(row) > width + 1 else None,
        )
        for row in rows
    )


def _in_sets(sets: dict[str, list[list[Any]]], since: date) -> DatedList:
    entries = _entries(
        ([code_set, *row] for code_set, rows in sets.items() for row in rows), 3, since
    )
    return DatedList(("code_set", "code", "name_fi"), entries)


def _icd10(parameters: Parameters) -> DatedList:
    """Codes and pair codes that contacts use, and a few more, each with its chapter."""
    lists = parameters.code_lists
    used = {code for row in parameters.diagnoses["icd10"] for code in row[:2] if code}
    rows = _entries(
        [*([code] for code in sorted(used)), *lists["icd10"]["more"]], 1, lists["since"]
    )
    chapters = sorted(lists["icd10"]["chapters"])
    begins = [chapter[0] for chapter in chapters]

    def described(code: str) -> tuple[str, str, str]:
        _, chapter, name = chapters[bisect_right(begins, code[:3]) - 1]
        return code, name, chapter

    entries = (Entry(described(str(e.values[0])), e.valid_from, e.valid_to) for e in rows)
    return DatedList(("code", "name_fi", "chapter_code"), tuple(entries))


def _permits(parameters: Parameters) -> DatedList:
    """A permit holds for each site of its firm from before it opens, until another takes over."""
    settings = parameters.permits
    opened: dict[str, tuple[str, str, date]] = {}
    for site, _, provider, service, _, _, first, _ in parameters.sites["sites"]:
        opened.setdefault(site, (provider, service, first))
    entries = []
    begun: dict[str, date] = {}
    for provider, permit, authority, until in settings["permits"]:
        for site, (owner, service, first) in opened.items():
            if owner == provider:
                holds = max(_permitted(settings, site, first), begun.get(provider, date.min))
                entries.append(Entry((permit, site, service, authority), holds, until))
        if until is not None:
            begun[provider] = until
    columns = ("permit_code", "site_id", "service_code", "authority_code")
    return DatedList(columns, tuple(entries))


def _permitted(settings: Section, site: str, opened: date) -> date:
    late = settings["late"].get(site)
    return opened + timedelta(days=-settings["days_before"] if late is None else late)


def _access_limits(parameters: Parameters) -> DatedList:
    columns = (
        "limit_id",
        "guarantee_code",
        "reason_code",
        "from_age_years",
        "to_age_years",
        "limit_count",
        "limit_unit_code",
        "clock_from_code",
        "clock_to_code",
        "legal_basis",
    )
    entries = (
        Entry(
            tuple(None if v is None else str(v) for v in (*row[:9], row[11])),
            row[9],
            row[10],
        )
        for row in parameters.access_limits["limits"]
    )
    return DatedList(columns, tuple(entries))
