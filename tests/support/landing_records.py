"""Delivered files read again by other means than the product's: polars, json and openpyxl.

Here: records as text, by lake column name. Not here: casts and rules.
"""

from __future__ import annotations

import json
from datetime import datetime
from functools import lru_cache
from pathlib import Path
from typing import Any

import polars as pl
from openpyxl import load_workbook

from dagster_project.contracts.model import Contract, FileFormat
from dagster_project.pipeline import load_definition


def sequences(landing: Path, key: str) -> list[int]:
    """Sequences of the table's files in landing, in order."""
    delivery = load_definition().catalogue.latest(key).delivery
    found = (delivery.sequence_of(path.name) for path in (landing / key).glob("*"))
    return sorted(s for s in found if s is not None)


@lru_cache
def records(landing: Path, key: str, sequence: int) -> pl.DataFrame:
    """The records of a delivery as text, with `record_number` from 1 and `delivery_sequence`."""
    contract = load_definition().catalogue.in_force(key, sequence)
    path = landing / key / f"{contract.table}_{sequence}.{contract.dialect.format}"
    frame = _read(path, contract)
    return frame.with_columns(
        record_number=pl.arange(1, len(frame) + 1, dtype=pl.Int64),
        delivery_sequence=pl.lit(sequence, dtype=pl.Int64),
    )


def _read(path: Path, contract: Contract) -> pl.DataFrame:
    if contract.dialect.format is FileFormat.PARQUET:
        return _typed(path, contract)
    text = path.read_bytes().decode(contract.dialect.encoding)
    if contract.dialect.format is FileFormat.NDJSON:
        return _json_lines(text, contract)
    return _delimited(text, contract)


def all_records(landing: Path, key: str) -> pl.DataFrame:
    """The records of all deliveries of a table; columns that an old one lacks are null."""
    frames = [records(landing, key, sequence) for sequence in sequences(landing, key)]
    return pl.concat(frames, how="diagonal")


def _typed(path: Path, contract: Contract) -> pl.DataFrame:
    """A Parquet file, its values as a CSV of the same contract would have them."""
    names = {c.source_name: c.name for c in contract.columns}
    moments = pl.col(pl.Datetime).dt.to_string(contract.dialect.timestamp_format)
    return pl.read_parquet(path).rename(names).with_columns(moments).cast(pl.String)


def _delimited(text: str, contract: Contract) -> pl.DataFrame:
    names = {c.source_name: c.name for c in contract.columns}
    lines = text.splitlines(keepends=True)[contract.dialect.header_line - 1 :]
    frame = pl.read_csv(
        "".join(lines).encode(),
        separator=contract.dialect.delimiter,
        infer_schema=False,
        null_values=[""],
    )
    return frame.rename(names)


def _json_lines(text: str, contract: Contract) -> pl.DataFrame:
    objects = [json.loads(line) for line in text.splitlines()]
    columns = {c.name: [at(fields, c.source_name) for fields in objects] for c in contract.columns}
    return pl.DataFrame(columns, schema={c.name: pl.String for c in contract.columns})


def at(line: dict[str, Any], source_name: str) -> str | None:
    """What stands at a field, or at a JSON pointer."""
    value: Any = line
    for step in source_name.removeprefix("/").split("/"):
        value = value[step]
    return None if value is None else str(value)


def sheet_rows(file: Path, contract: Contract) -> list[dict[str, str | None]]:
    """The rows of a contract's sheet as text, what is stated above the table in each."""
    page = load_workbook(file, data_only=True)[contract.dialect.sheet]
    first = contract.dialect.header_line + contract.dialect.header_rows
    own = [c.name for c in contract.columns if c.cell is None]
    stated = {c.name: _shown(page[c.cell].value) for c in contract.columns if c.cell}
    rows = page.iter_rows(min_row=first, values_only=True)
    return [stated | dict(zip(own, map(_shown, row), strict=False)) for row in rows]


def _shown(value: object) -> str | None:
    if isinstance(value, datetime):
        return f"{value:%Y-%m-%d}"
    return None if value is None else str(value)
