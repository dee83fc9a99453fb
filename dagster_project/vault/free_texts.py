"""Free texts as sent, for what reads them within the vault's zone: codes leave it, no word does.

Here: texts of a delivery by record. Not here: what they are read for (`comments`), one record shown
to a person (`as_sent`).
"""

from __future__ import annotations

from collections.abc import Iterator

from dagster_project.contracts.model import Contract
from dagster_project.sources.formats import Fields
from dagster_project.sources.readable import format_of
from dagster_project.vault.deliveries import DeliveryVault


def texts_of(
    blobs: DeliveryVault, contract: Contract, sha256: str, column: str
) -> Iterator[tuple[int, str]]:
    """Record number and text of every record of a delivery that has one.

    Raises:
        VaultError: the delivery is missing, damaged, or under another key.
    """
    name = contract.column(column).source_name
    found: list[tuple[int, str]] = []

    def note(number: int, fields: Fields) -> None:
        if text := fields.get(name, "").strip():
            found.append((number, text))

    format_of(contract).rewritten(blobs.read(sha256), contract, note)
    yield from found
