"""Whose list protected persons are on: counted here, where their choices can be read as sent.

The lake knows that a protected person is on somebody's list and for how many days; whose, it may
not tell. This module reads it from the records in the vault and lets out days by provider alone.
Of providers with few such persons not even that: their days are pooled and shared out by the size
of the lists that can be seen, so that no payment tells where one person is. All days are paid; a
small list may be paid a few days more or less than it had.

Here: the count. Not here: what a day is paid (`settlement`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from dagster_project.contracts.model import Contract
from dagster_project.errors import VaultError
from dagster_project.sources.formats import Fields
from dagster_project.sources.readable import format_of
from dagster_project.vault.deliveries import DeliveryVault

FEWEST = 5
"""Persons of whom a provider's days may be told as they are."""


@dataclass(frozen=True)
class HiddenDays:
    """Days of the choices in one delivery, by record number."""

    contract: Contract
    sha256: str
    person_days: Mapping[int, int]


@dataclass(frozen=True)
class Counted:
    """What may be known of a provider's hidden list."""

    provider_id: str
    person_count: int
    """0 where days were pooled."""
    person_days: int


def count_hidden(
    blobs: DeliveryVault, deliveries: Iterable[HiddenDays], list_days: Mapping[str, int]
) -> list[Counted]:
    """Days by provider, so merged that nobody is singled out.

    Args:
        blobs: Deliveries as sent.
        deliveries: Choices of a service whose provider the lake may not tell.
        list_days: Days on the lists that can be seen, by provider: who shares what is pooled.

    Raises:
        VaultError: a delivery is missing or damaged, or lacks a record.
    """
    persons, days = Counter[str](), Counter[str]()
    for delivery in deliveries:
        for record, provider in _providers(blobs, delivery).items():
            persons[provider] += 1
            days[provider] += delivery.person_days[record]
    told = {p for p in persons if persons[p] >= FEWEST}
    # Pooled days must be those of enough persons too: else all are pooled.
    if 0 < sum(persons[p] for p in persons if p not in told) < FEWEST:
        told = set()
    pooled = sum(days[p] for p in days if p not in told)
    shares = _share_out(pooled, list_days or dict.fromkeys(days, 1))
    found = [
        Counted(p, persons[p] if p in told else 0, (days[p] if p in told else 0) + shares.get(p, 0))
        for p in sorted(told | shares.keys())
    ]
    return [counted for counted in found if counted.person_days]


def _providers(blobs: DeliveryVault, delivery: HiddenDays) -> dict[int, str]:
    """Provider by record number, as sent."""
    name = delivery.contract.column("provider_id").source_name
    found: dict[int, str] = {}

    def note(number: int, fields: Fields) -> None:
        if number in delivery.person_days:
            found[number] = fields[name].strip()

    format_of(delivery.contract).rewritten(blobs.read(delivery.sha256), delivery.contract, note)
    if found.keys() != delivery.person_days.keys() or not all(found.values()):
        raise VaultError(
            f"a delivery of {delivery.contract.key} lacks records that the lake has: restore the"
            " vault that belongs to this lake, then settle again"
        )
    return found


def _share_out(days: int, weights: Mapping[str, int]) -> dict[str, int]:
    """Whole days in proportion to weights; those left go to the largest remainders."""
    total = sum(weights.values())
    if not days or not total:
        return {}
    parts = {name: days * weight // total for name, weight in weights.items()}
    order = sorted(parts, key=lambda name: (-(days * weights[name] % total), name))
    for name in order[: days - sum(parts.values())]:
        parts[name] += 1
    return parts
