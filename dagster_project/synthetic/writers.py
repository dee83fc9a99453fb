"""Delivery files in the form that their contract states.

Here: header, encoding, delimiter, line ends, NDJSON; files under a temporary name until complete.
Not here: what stands in them. All values come as text, nulls as nulls.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import polars as pl

from dagster_project.contracts.model import Catalogue, Contract, FileFormat

LINE_ENDS = {"population_register/residents": "\r\n"}
"""Line end by table, where it is not LF."""


class Deliveries:
    """The files of a landing folder while they are being written, block after block."""

    def __init__(self, landing: Path, catalogue: Catalogue) -> None:
        self._landing = landing
        self._catalogue = catalogue
        self.records: dict[str, int] = {}
        """Data records so far by `<source>/<table>/<file>`."""

    def contract(self, key: str, sequence: int) -> Contract:
        """Contract in force for a delivery."""
        return self._catalogue.in_force(key, sequence)

    def file_name(self, key: str, sequence: int) -> str:
        """`<source>/<table>/<file>` of a delivery."""
        contract = self.contract(key, sequence)
        name = f"{contract.table}_{sequence}.{contract.dialect.format}"
        if contract.delivery.sequence_of(name) != sequence:
            raise ValueError(f"the contract of {key} does not know the file name {name}")
        return f"{key}/{name}"

    def append(self, key: str, sequence: int, rows: pl.DataFrame) -> None:
        """Add a block of rows to a delivery, beginning the file where it is the first."""
        contract = self.contract(key, sequence)
        name = self.file_name(key, sequence)
        columns = [rows[c.name].alias(c.source_name) for c in contract.columns]
        block = pl.DataFrame(columns)
        if name not in self.records:
            self._begin(name, contract)
        with self._part(name).open("ab") as file:
            file.write(_encode(block, contract))
        self.records[name] += len(rows)

    def _begin(self, name: str, contract: Contract) -> None:
        self.records[name] = 0
        path = self._part(name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(_header(contract))

    def _part(self, name: str) -> Path:
        return self._landing / f"{name}.part"

    def finish(self) -> None:
        """Give every file its name."""
        for name in self.records:
            self._part(name).rename(self._landing / name)


def _header(contract: Contract) -> bytes:
    dialect = contract.dialect
    if dialect.format is FileFormat.NDJSON:
        return b""
    names = dialect.delimiter.join(c.source_name for c in contract.columns)
    return (names + LINE_ENDS.get(contract.key, "\n")).encode(dialect.encoding)


def _encode(block: pl.DataFrame, contract: Contract) -> bytes:
    buffer = BytesIO()
    if contract.dialect.format is FileFormat.NDJSON:
        block.write_ndjson(buffer)
        return buffer.getvalue()
    block.write_csv(
        buffer,
        include_header=False,
        separator=contract.dialect.delimiter,
        line_terminator=LINE_ENDS.get(contract.key, "\n"),
    )
    if contract.dialect.encoding.startswith("utf-8"):
        return buffer.getvalue()
    return buffer.getvalue().decode().encode(contract.dialect.encoding)
