"""A quarantined record of a workbook, Parquet file or JSON document is shown as it was sent.

Here: the record that the gate meant, from the vault, in the formats that are no lines of text. Not
here: CSV and NDJSON, and the command (`test_as_sent`).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import datetime
from io import BytesIO
from pathlib import Path
from typing import Any, cast

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from pyrage import x25519

from dagster_project.contracts.model import Contract, FileFormat
from dagster_project.errors import VaultError
from dagster_project.lake.connection import Lake
from dagster_project.vault.as_sent import show_record
from dagster_project.vault.deliveries import DeliveryVault
from dagster_project.vault.identities import Identities
from tests.support.made_up import NAME, NUMBER, bare_lake, contract, take
from tests.support.workbook_files import workbook

NAMES = ("Äiti", "B", "Meikäläinen", "D")
NUMBERS = (1, 2, None, 4)
"""The third has no key, so it is quarantined."""
COLUMNS = (NUMBER.source_name, NAME.source_name)


def parquet() -> bytes:
    buffer = BytesIO()
    table = pa.table(dict(zip(COLUMNS, (NUMBERS, NAMES), strict=True)))
    pq.write_table(table, buffer, row_group_size=2)
    return buffer.getvalue()


ROWS = list(zip(NUMBERS, NAMES, strict=True))
ITEM = {"Numero": None, "Nimi": "Meikäläinen"}
SENT: dict[str, tuple[Contract, bytes, dict[str, str]]] = {
    "xlsx": (
        contract(FileFormat.XLSX, NUMBER, NAME),
        workbook([COLUMNS, *ROWS[:2], [], *ROWS[2:]]),
        {"Tiedot!A5, Numero": "", "Tiedot!B5, Nimi": "Meikäläinen"},
    ),
    "parquet": (
        contract(FileFormat.PARQUET, NUMBER, NAME),
        parquet(),
        {"Numero": "", "Nimi": "Meikäläinen"},
    ),
    "json": (
        contract(FileFormat.JSON, NUMBER, NAME, records="/items"),
        json.dumps({"items": [dict(zip(COLUMNS, row, strict=True)) for row in ROWS]}).encode(),
        {"record": json.dumps(ITEM, ensure_ascii=False)},
    ),
}


class Log:
    """Notes what was logged."""

    def __init__(self) -> None:
        self.entries: list[dict[str, Any]] = []

    def log_access(self, **entry: Any) -> None:
        self.entries.append(entry)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with bare_lake(tmp_path_factory.mktemp("documents_as_sent")) as opened:
        yield opened


@pytest.mark.parametrize("form", SENT)
def test_the_record_that_the_gate_meant_is_shown_and_the_look_logged(
    lake: Lake, form: str, tmp_path: Path
) -> None:
    stated, data, due = SENT[form]
    path = tmp_path / "delivery"
    path.write_bytes(data)
    blobs = DeliveryVault(tmp_path / "vault", str(x25519.Identity.generate()))
    log = Log()
    sha256 = blobs.put(path).sha256
    [(number, rules)] = take(lake, stated, path).broken.items()
    assert (number, rules) == (3, {"number.required"})

    def shown(record_number: int) -> dict[str, str]:
        return show_record(
            blobs,
            cast("Identities", log),
            stated,
            sha256=sha256,
            record_number=record_number,
            actor="test",
            purpose="mend at source",
            at=datetime(2017, 1, 2),
        )

    assert shown(number) == due
    for outside in (-1, 0, 5):
        with pytest.raises(VaultError, match=rf"no record {outside};"):
            shown(outside)
    assert [entry["record_number"] for entry in log.entries] == [3, -1, 0, 5]
