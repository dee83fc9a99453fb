"""One record as it was sent, for the person whose job it is to mend it at the source; logged.

Here: the look and its log. Not here: finding a record in the bytes of a format (`sources`), or why
it was quarantined (`ops.quarantine`).
"""

from __future__ import annotations

from datetime import datetime

from dagster_project.contracts.model import Contract
from dagster_project.errors import VaultError
from dagster_project.sources.readable import format_of
from dagster_project.vault.deliveries import DeliveryVault
from dagster_project.vault.identities import Identities


def show_record(
    blobs: DeliveryVault,
    identities: Identities,
    contract: Contract,
    *,
    sha256: str,
    record_number: int,
    actor: str,
    purpose: str,
    at: datetime,
) -> dict[str, str]:
    """A record by its number, field by field as sent; the access is logged before it is read.

    Raises:
        VaultError: the delivery is not in the vault, or has no such record.
    """
    identities.log_access(
        at=at,
        actor=actor,
        purpose=purpose,
        action="quarantine.show",
        delivery=sha256,
        record_number=record_number,
    )
    record = format_of(contract).record(blobs.read(sha256), contract, record_number)
    if record is None:
        raise VaultError(
            f"the delivery has no record {record_number}; see ops.quarantine for those it has"
        )
    return record
