"""Delivery files in the form that their contract states.

Here: CSV, NDJSON and Parquet block by block, other files whole; under a temporary name until
complete. Not here: what stands in them. In blocks all values come as text, nulls as nulls.
"""

from __future__ import annotations

from io import BytesIO
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from dagster_project.contracts.model import Catalogue, Column, Contract, FileFormat

LINE_ENDS = {
    "population_register/residents": "\r\n",
    "smartum/providers": "\r\n",
    "smartum/service_prices": "\r\n",
    "smartum/budgets": "\r\n",
    "smartum/purchase_authorisations": "\r\n",
    "smartum/transactions": "\r\n",
    "smartum/statements": "\r\n",
}
"""Line end by table, where it is not LF."""


_ARROW_TYPES = {
    "VARCHAR": pa.string(),
    "BIGINT": pa.int64(),
    "INTEGER": pa.int32(),
    "DOUBLE": pa.float64(),
    "DATE": pa.date32(),
    "TIMESTAMP": pa.timestamp("us"),
    "BOOLEAN": pa.bool_(),
}


class Deliveries:
    """The files of a landing folder while they are being written, block after block."""

    def __init__(self, landing: Path, catalogue: Catalogue) -> None:
        self._landing = landing
        self._catalogue = catalogue
        self.records: dict[str, int] = {}
        """Data records so far by `<source>/<table>/<file>`."""
        self._parquet: dict[str, pq.ParquetWriter] = {}

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
        if contract.dialect.format is FileFormat.PARQUET:
            self._parquet[name].write_table(_typed(block, contract))
        else:
            with self._part(name).open("ab") as file:
                file.write(_encode(block, contract))
        self.records[name] += len(rows)

    def put(self, key: str, file_name: str, data: bytes, *, record_count: int) -> None:
        """Write a delivery that is no sequence of blocks: a workbook, a JSON document."""
        name = f"{key}/{file_name}"
        self._folder_of(name)
        self._part(name).write_bytes(data)
        self.records[name] = record_count

    def _begin(self, name: str, contract: Contract) -> None:
        self.records[name] = 0
        self._folder_of(name)
        if contract.dialect.format is FileFormat.PARQUET:
            self._parquet[name] = pq.ParquetWriter(self._part(name), _schema(contract))
        else:
            self._part(name).write_bytes(_header(contract))

    def _folder_of(self, name: str) -> None:
        self._part(name).parent.mkdir(parents=True, exist_ok=True)

    def _part(self, name: str) -> Path:
        return self._landing / f"{name}.part"

    def finish(self) -> None:
        """Give every file its name."""
        for writer in self._parquet.values():
            writer.close()
        for name in self.records:
            self._part(name).rename(self._landing / name)


def _schema(contract: Contract) -> pa.Schema:
    return pa.schema([(c.source_name, _arrow_type(c)) for c in contract.columns])


def _arrow_type(column: Column) -> pa.DataType:
    sql_type = "VARCHAR" if column.is_identity else column.sql_type
    if sql_type.startswith("DECIMAL"):
        precision, scale = sql_type.removeprefix("DECIMAL(").rstrip(")").split(",")
        return pa.decimal128(int(precision), int(scale))
    return _ARROW_TYPES[sql_type]


def _typed(block: pl.DataFrame, contract: Contract) -> pa.Table:
    """Text as the contract's types; what is no such value cannot be written, and is an error."""
    schema = _schema(contract)
    text = block.to_arrow().cast(pa.schema([(f.name, pa.string()) for f in schema]))
    return text.cast(schema)


def _header(contract: Contract) -> bytes:
    dialect = contract.dialect
    if dialect.format is FileFormat.NDJSON:
        return b""
    names = dialect.delimiter.join(c.source_name for c in contract.columns)
    return (names + LINE_ENDS.get(contract.key, "\n")).encode(dialect.encoding)


def _encode(block: pl.DataFrame, contract: Contract) -> bytes:
    buffer = BytesIO()
    if contract.dialect.format is FileFormat.NDJSON:
        _nested(block).write_ndjson(buffer)
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


def _nested(block: pl.DataFrame) -> pl.DataFrame:
    """Columns named by JSON pointers of two steps as fields of objects; the others as they are."""
    plain = {name for name in block.columns if not name.startswith("/")}
    fields: dict[str, list[pl.Expr]] = {}
    for name in block.columns:
        outer, _, inner = name.removeprefix("/").partition("/")
        fields.setdefault(outer, []).append(pl.col(name).alias(inner or outer))
    return block.select(
        held[0] if outer in plain else pl.struct(held).alias(outer)
        for outer, held in fields.items()
    )
