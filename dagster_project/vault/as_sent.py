"""One record as it was sent, for the person whose job it is to mend it at the source; logged.

Here: finding a record in the vault's bytes. Not here: why it was quarantined (`ops.quarantine`).
"""

from __future__ import annotations

import csv
import io
import re
from datetime import datetime
from functools import partial

from dagster_project.contracts.model import Contract, Dialect, FileFormat
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
    """A line of NDJSON; an empty one counts, as at the gate, but not what follows the last end."""
    lines = re.split("\r\n|[\r\n]", text)
    if not lines[-1]:
        lines.pop()
    if not 1 <= record_number <= len(lines):
        raise _no_such_record(record_number)
    return {"line": lines[record_number - 1]}


def _record(text: str, contract: Contract, record_number: int) -> dict[str, str]:
    dialect = contract.dialect
    lines = list(io.StringIO(text, newline=""))[dialect.header_line :]
    fields = _fields(lines, dialect, record_number)
    names = [c.source_name for c in contract.columns]
    return dict(zip(names, fields, strict=False))


def _fields(lines: list[str], dialect: Dialect, record_number: int) -> list[str]:
    """Fields of a record, counted as at the gate: no empty lines, blanks may precede a quote."""
    csv.field_size_limit(max(csv.field_size_limit(), sum(map(len, lines))))
    read = partial(csv.reader, delimiter=dialect.delimiter, quotechar=dialect.quote)
    reader = read(lines, skipinitialspace=True)
    number = first_line = 0
    for fields in reader:
        number += bool(fields)
        if fields and number == record_number:
            # Read again with its blanks, which may be what is wrong with it.
            exact = next(read(lines[first_line : reader.line_num]))
            return exact if len(exact) == len(fields) else fields
        first_line = reader.line_num
    raise _no_such_record(record_number)


def _no_such_record(record_number: int) -> VaultError:
    return VaultError(
        f"the delivery has no record {record_number}; see ops.quarantine for those it has"
    )
