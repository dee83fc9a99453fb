"""What deliveries as sent hold of one person: found, shown, and erased.

A record is a person's where its first identity column holds one of the person's codes; in another
record any value with such a code in it tells of the person too. Records that the gate left out are
found as well, for the vault keeps them.

Here: deliveries in the vault. Not here: staging and core (`lake.erasure`), who asks and why
(`rights`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from dagster_project.contracts.model import Contract
from dagster_project.sources.formats import Fields
from dagster_project.sources.readable import format_of
from dagster_project.vault.deliveries import DeliveryVault


@dataclass(frozen=True)
class Sent:
    """A delivery in the vault."""

    contract: Contract
    sequence: int
    sha256: str


@dataclass(frozen=True)
class SentRecord:
    """A record that tells of a person, as it was sent."""

    source: str
    table: str
    sequence: int
    record_number: int
    fields: Fields


def records_of(
    blobs: DeliveryVault, deliveries: list[Sent], codes: frozenset[str]
) -> Iterator[SentRecord]:
    """Every record that holds one of these codes, in the order of the deliveries.

    Raises:
        VaultError: a delivery is missing, damaged, or under another key.
    """
    for sent in deliveries:
        yield from _found(blobs, sent, codes)


def _found(blobs: DeliveryVault, sent: Sent, codes: frozenset[str]) -> list[SentRecord]:
    contract, found = sent.contract, list[SentRecord]()

    def note(number: int, fields: Fields) -> None:
        if any(_holds(value, codes) for value in fields.values()):
            found.append(
                SentRecord(contract.source, contract.table, sent.sequence, number, dict(fields))
            )

    format_of(contract).rewritten(blobs.read(sent.sha256), contract, note)
    return found


def erase_records(blobs: DeliveryVault, deliveries: list[Sent], codes: frozenset[str]) -> int:
    """Empty the person's records, and values elsewhere that hold a code; returns how many records.

    Every other record keeps its place and its values. A second time changes nothing.

    Raises:
        VaultError: a delivery is missing, damaged, or under another key.
        SettingsError: the disk is full.
    """
    return sum(_erased(blobs, sent, codes) for sent in deliveries)


def _erased(blobs: DeliveryVault, sent: Sent, codes: frozenset[str]) -> int:
    contract, data, count = sent.contract, blobs.read(sent.sha256), 0

    def empty(_: int, fields: Fields) -> Fields | None:
        nonlocal count
        if not any(_holds(value, codes) for value in fields.values()):
            return None
        count += 1
        if _is_of(fields, contract, codes):
            return dict.fromkeys(fields, "")
        return {name: "" if _holds(value, codes) else value for name, value in fields.items()}

    new = format_of(contract).rewritten(data, contract, empty)
    if new != data:
        blobs.replace(sent.sha256, new)
    return count


def _holds(value: str, codes: frozenset[str]) -> bool:
    upper = value.upper()
    return any(code in upper for code in codes)


def _is_of(fields: Fields, contract: Contract, codes: frozenset[str]) -> bool:
    """Whether the record is the person's own; one that cannot be taken apart counts as such."""
    if not contract.identities or set(fields) == {"line"}:
        return True
    return fields[contract.identities[0].source_name].strip().upper() in codes
