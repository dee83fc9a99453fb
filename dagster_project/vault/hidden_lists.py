"""Whose list protected persons are on: counted here, where their choices can be read as sent.

The lake knows that a protected person is on somebody's list and for how many days, and which acts
were done to them; whose list, and where, it may not tell. This module reads it from the records in
the vault and lets out days and acts by provider alone. Of providers with few such persons not even
that: theirs are pooled and shared out by the lists and acts that can be seen, so that no payment
tells where one person is. All are paid; a small list may be paid a few more or less than it had.
Lists that are paid and lists in shadow are pooled apart: neither is paid for the other's.

Here: the count. Not here: what a day or an act is paid (`settlement`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date

from dagster_project.contracts.model import Contract
from dagster_project.errors import VaultError
from dagster_project.sources.formats import Fields
from dagster_project.sources.readable import format_of
from dagster_project.vault.deliveries import DeliveryVault

FEWEST = 5
"""Persons of whom a provider's days and acts may be told as they are."""


@dataclass(frozen=True)
class Sent:
    """A delivery in the vault, and the contract that its form follows."""

    contract: Contract
    sha256: str

    def __hash__(self) -> int:
        """Of the content: contracts are no keys."""
        return hash(self.sha256)


@dataclass(frozen=True)
class Record:
    """A record of a delivery."""

    sent: Sent
    number: int


@dataclass(frozen=True)
class HiddenDays:
    """Days of the choices in one delivery, by record number."""

    sent: Sent
    person_days: Mapping[int, int]


@dataclass(frozen=True)
class HiddenAct:
    """An act, the record that says where it was done, and that of the choice on its day."""

    person_id: int
    procedure_code: str
    performed_date: date
    act: Record
    choice: Record


@dataclass(frozen=True)
class Counted:
    """What may be known of a provider's hidden list."""

    provider_id: str
    person_count: int
    """0 where days were pooled."""
    person_days: int


def count_hidden(
    blobs: DeliveryVault,
    deliveries: Iterable[HiddenDays],
    list_days: Mapping[str, int],
    shadow: Set[str] = frozenset(),
) -> list[Counted]:
    """Days by provider, so merged that nobody is singled out.

    Args:
        blobs: Deliveries as sent.
        deliveries: Choices of a service whose provider the lake may not tell.
        list_days: Days on the lists that can be seen, by provider: who shares what is pooled.
        shadow: Providers whose lists are reckoned and not paid.

    Raises:
        VaultError: a delivery is missing or damaged, or lacks a record.
    """
    persons, days = Counter[str](), Counter[str]()
    for delivery in deliveries:
        wanted = delivery.person_days.keys()
        for record, provider in _said(blobs, delivery.sent, wanted, "provider_id").items():
            persons[provider] += 1
            days[provider] += delivery.person_days[record]
    return [
        counted
        for own, seen in zip(_apart(persons, shadow), _apart(list_days, shadow), strict=True)
        for counted in _counted(own, days, seen)
    ]


def _apart(
    by_provider: Mapping[str, int], shadow: Set[str]
) -> tuple[dict[str, int], dict[str, int]]:
    """Of those that are paid, and of those in shadow."""
    paid = {p: n for p, n in by_provider.items() if p not in shadow}
    return paid, {p: n for p, n in by_provider.items() if p in shadow}


def _counted(
    persons: Mapping[str, int], days: Mapping[str, int], list_days: Mapping[str, int]
) -> list[Counted]:
    """Those of one kind."""
    told = _told(persons)
    pooled = sum(days[p] for p in persons if p not in told)
    shares = _share_out(pooled, list_days or dict.fromkeys(persons, 1))
    found = [
        Counted(p, persons[p] if p in told else 0, (days[p] if p in told else 0) + shares.get(p, 0))
        for p in sorted(told | shares.keys())
    ]
    return [counted for counted in found if counted.person_days]


def count_hidden_acts(
    blobs: DeliveryVault,
    acts: Sequence[HiddenAct],
    provider_at: Callable[[str, date], str | None],
    seen: Mapping[tuple[str, str], int],
    shadow: Set[str] = frozenset(),
) -> dict[tuple[str, str], int]:
    """Acts by provider and procedure that were done by the provider whose list the person is on.

    Args:
        blobs: Deliveries as sent.
        acts: Of persons whose places the lake may not tell.
        provider_at: Whose site it is on a day.
        seen: Acts that can be seen, by provider and procedure: who shares what is pooled.
        shadow: Providers whose lists are reckoned and not paid.

    Raises:
        VaultError: a delivery is missing or damaged, or lacks a record.
    """
    sites = _said_of(blobs, [act.act for act in acts], "site_id")
    chosen = _said_of(blobs, [act.choice for act in acts], "provider_id")
    done = [
        (chosen[act.choice], act)
        for act in acts
        if provider_at(sites[act.act], act.performed_date) == chosen[act.choice]
    ]
    found = Counter[tuple[str, str]]()
    for is_shadow in (False, True):
        own = [(p, act) for p, act in done if (p in shadow) == is_shadow]
        sharing = {key: n for key, n in seen.items() if (key[0] in shadow) == is_shadow}
        found += _counted_acts(own, sharing)
    return dict(found)


def _counted_acts(
    done: Sequence[tuple[str, HiddenAct]], seen: Mapping[tuple[str, str], int]
) -> Counter[tuple[str, str]]:
    """Those of providers of one kind."""
    told = _told(Counter(p for p, _ in {(p, act.person_id) for p, act in done}))
    found = Counter((p, act.procedure_code) for p, act in done if p in told)
    pooled = Counter(act.procedure_code for p, act in done if p not in told)
    for code, count in pooled.items():
        sharing = {p: n for (p, seen_code), n in seen.items() if seen_code == code}
        owners = {p for p, act in done if act.procedure_code == code}
        for provider, share in _share_out(count, sharing or dict.fromkeys(owners, 1)).items():
            found[provider, code] += share
    return found


def _told(persons: Mapping[str, int]) -> set[str]:
    """Providers with persons enough that theirs may be told as they are."""
    told = {p for p in persons if persons[p] >= FEWEST}
    # What is pooled must be of enough persons too: else all is pooled.
    if 0 < sum(persons[p] for p in persons if p not in told) < FEWEST:
        return set()
    return told


def _said_of(blobs: DeliveryVault, records: Collection[Record], column: str) -> dict[Record, str]:
    """What each of these records says in a column."""
    numbers: dict[Sent, set[int]] = {}
    for record in records:
        numbers.setdefault(record.sent, set()).add(record.number)
    return {
        Record(sent, number): value
        for sent, wanted in numbers.items()
        for number, value in _said(blobs, sent, wanted, column).items()
    }


def _said(blobs: DeliveryVault, sent: Sent, wanted: Set[int], column: str) -> dict[int, str]:
    """What records of a delivery say in a column, by number, as sent."""
    name = sent.contract.column(column).source_name
    found: dict[int, str] = {}

    def note(number: int, fields: Fields) -> None:
        if number in wanted:
            found[number] = fields[name].strip()

    format_of(sent.contract).rewritten(blobs.read(sent.sha256), sent.contract, note)
    if found.keys() != set(wanted) or not all(found.values()):
        raise VaultError(
            f"a delivery of {sent.contract.key} lacks records that the lake has: restore the"
            " vault that belongs to this lake, then settle again"
        )
    return found


def _share_out(count: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Whole days or acts in proportion to weights; those left go to the largest remainders."""
    total = sum(weights.values())
    if not count or not total:
        return {}
    parts = {name: count * weight // total for name, weight in weights.items()}
    order = sorted(parts, key=lambda name: (-(count * weights[name] % total), name))
    for name in order[: count - sum(parts.values())]:
        parts[name] += 1
    return parts
