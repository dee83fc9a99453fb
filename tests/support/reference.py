"""What residence and enrolment mean, said slowly: the truth the SQL is held against.

Here: replaying deliveries one by one in plain Python, and asking what was known after each.
Not here: SQL. Half-open spans throughout: a stay [from, to) is known in deliveries [from, to).
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from typing import Generic, TypeVar

DAY = timedelta(days=1)
T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True)
class Statement:
    """What one register row says of one code."""

    code: int
    place: tuple[str, str] | None
    """Municipality and postal code; None for a protected person."""
    moved: date
    death: date | None = None


@dataclass(frozen=True)
class Snapshot:
    """One register delivery in force."""

    sequence: int
    covers_to: date
    statements: tuple[Statement, ...]


@dataclass(frozen=True)
class Stay:
    """A person in a place."""

    person: int
    place: tuple[str, str] | None
    valid_from: date
    valid_to: date | None


@dataclass(frozen=True)
class Known(Generic[T]):
    """What was known, and in which deliveries."""

    fact: T
    known_from: int
    known_to: int | None


def residence(
    snapshots: Iterable[Snapshot], alias: Mapping[int, int] | None = None
) -> set[Known[Stay]]:
    """Stays as known after each snapshot, consecutive equal knowledge joined."""
    ordered = sorted(snapshots, key=lambda s: s.sequence)
    persons = alias or {}
    everybody = {persons.get(t.code, t.code) for s in ordered for t in s.statements}
    found: set[Known[Stay]] = set()
    for person in everybody:
        found |= _spans([(s.sequence, k) for s, k in _replay(person, ordered, persons)])
    return found


def _replay(
    person: int, snapshots: Sequence[Snapshot], alias: Mapping[int, int]
) -> list[tuple[Snapshot, frozenset[Stay]]]:
    """What was known of a person's stays after each snapshot."""
    stays: list[Stay] = []
    last: Statement | None = None
    last_covers = date.min
    history = []
    for snapshot in snapshots:
        now = _speaks(person, snapshot, alias)
        if now is None and last is not None:
            gone = last.death or max(last_covers, last.moved)
            stays = _cut(stays, gone + DAY)
        elif now is not None and now != last:
            until = now.death + DAY if now.death else None
            stays = [*_cut(stays, now.moved), Stay(person, now.place, now.moved, until)]
        last, last_covers = now, snapshot.covers_to
        real = frozenset(s for s in stays if s.valid_to is None or s.valid_from < s.valid_to)
        history.append((snapshot, real))
    return history


def _speaks(person: int, snapshot: Snapshot, alias: Mapping[int, int]) -> Statement | None:
    """Of several codes of a person in one snapshot the present one speaks, then the later move."""
    own = [s for s in snapshot.statements if alias.get(s.code, s.code) == person]
    present = [s for s in own if s.code == person] or own
    chosen = max(present, key=lambda s: s.moved, default=None)
    return replace(chosen, code=person) if chosen else None


def _cut(stays: Iterable[Stay], day: date) -> list[Stay]:
    """Stays before a day on which another begins; what did not begin before it was a mistake."""
    return [replace(s, valid_to=min(s.valid_to or day, day)) for s in stays if s.valid_from < day]


def _spans(history: Sequence[tuple[int, frozenset[T]]]) -> set[Known[T]]:
    """Knowledge by delivery, as spans of consecutive deliveries."""
    found: set[Known[T]] = set()
    since: dict[T, int] = {}
    for sequence, facts in history:
        for fact in [f for f in since if f not in facts]:
            found.add(Known(fact, since.pop(fact), sequence))
        for fact in facts:
            since.setdefault(fact, sequence)
    return found | {Known(fact, start, None) for fact, start in since.items()}


@dataclass(frozen=True)
class Version:
    """What one portal delivery says of one enrolment."""

    sequence: int
    enrolment: str
    person: int
    service: str
    provider: str
    site: str
    start: date
    end: date | None
    updated: datetime


@dataclass(frozen=True)
class Choice:
    """An enrolment as it counts."""

    enrolment: str
    person: int
    service: str
    provider: str
    site: str
    valid_from: date
    valid_to: date | None
    is_ended_by_next: bool
    is_early_change: bool


def enrolment(versions: Sequence[Version]) -> set[Known[Choice]]:
    """Choices as known after each delivery, consecutive equal knowledge joined."""
    sequences = sorted({v.sequence for v in versions})
    return _spans([(s, choices_known_at(versions, s)) for s in sequences])


def choices_known_at(versions: Sequence[Version], sequence: int) -> frozenset[Choice]:
    """Choices as known after a delivery."""
    newest: dict[str, Version] = {}
    for version in sorted(versions, key=lambda v: (v.updated, v.sequence)):
        if version.sequence <= sequence:
            newest[version.enrolment] = version
    clients: dict[tuple[int, str], list[Version]] = {}
    for version in newest.values():
        clients.setdefault((version.person, version.service), []).append(version)
    return frozenset(c for own in clients.values() for c in _timeline(own))


def _timeline(own: list[Version]) -> list[Choice]:
    """One client's choices for one service: a later one ends the earlier one."""
    ordered = sorted(own, key=lambda v: (v.start, v.updated, v.enrolment))
    found = []
    for place, version in enumerate(ordered):
        before = ordered[place - 1] if place else None
        after = ordered[place + 1] if place + 1 < len(ordered) else None
        by_next = after is not None and (version.end is None or after.start <= version.end)
        found.append(
            Choice(
                version.enrolment,
                version.person,
                version.service,
                version.provider,
                version.site,
                valid_from=version.start,
                valid_to=after.start if after and by_next else version.end,
                is_ended_by_next=by_next,
                is_early_change=before is not None
                and version.start < half_a_year_after(before.start),
            )
        )
    return found


def half_a_year_after(day: date) -> date:
    """The same day of the month six months later, or the month's last where it has no such day."""
    months = day.year * 12 + day.month - 1 + 6
    first = date(months // 12, months % 12 + 1, 1)
    following = date((months + 1) // 12, (months + 1) % 12 + 1, 1)
    return min(first + (day.day - 1) * DAY, following - DAY)
