"""One record as it was sent, for the person whose job it is to mend it at the source; logged.

Here: finding a record in the vault's bytes. Not here: why it was quarantined (`ops.quarantine`).
"""

from __future__ import annotations

import csv
import io
from datetime import datetime

from dagster_project.contracts.model import Contract, FileFormat
from dagster_project.errors import VaultError
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
    text = blobs.read(sha256).decode(contract.dialect.encoding)
    if contract.dialect.format is FileFormat.NDJSON:
        return _line(text, record_number)
    return _record(text, contract, record_number)


def _line(text: str, record_number: int) -> dict[str, str]:
    for number, line in enumerate(text.split("\n"), start=1):
        if number == record_number:
            return {"line": line}
    raise _no_such_record(record_number)


def _record(text: str, contract: Contract, record_number: int) -> dict[str, str]:
    dialect = contract.dialect
    body = io.StringIO(text, newline="")
    for _ in range(dialect.header_line):
        body.readline()
    reader = csv.reader(body, delimiter=dialect.delimiter, quotechar=dialect.quote)
    for number, fields in enumerate(reader, start=1):
        if number == record_number:
            names = [c.source_name for c in contract.columns]
            return dict(zip(names, fields, strict=False))
    raise _no_such_record(record_number)


def _no_such_record(record_number: int) -> VaultError:
    return VaultError(f"the delivery has no record {record_number}; see ops.quarantine for those it has")
