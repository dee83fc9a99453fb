"""Every contract in Parquet against bad files: other types, nulls where none are due, no Parquet.

Here: each column of each contract that is delivered as Parquet. Not here: damage and headers, which
know no contract (`test_refused_documents`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.contracts.model import Column, Contract, FileFormat
from dagster_project.errors import DeliveryRefused
from dagster_project.lake import gate
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import load_definition
from dagster_project.sources.readable import readable
from tests.support.identity import code
from tests.support.made_up import bare_lake

SEQUENCE = 201703
CATALOGUE = load_definition().catalogue
CONTRACTS = [
    CATALOGUE.latest(key)
    for key in CATALOGUE.tables()
    if CATALOGUE.latest(key).dialect.format is FileFormat.PARQUET
]
COLUMNS = [pytest.param(k, c, id=f"{k.key}.{c.name}") for k in CONTRACTS for c in k.columns]
DUE = [
    pytest.param(k, c, id=f"{k.key}.{c.name}")
    for k in CONTRACTS
    for c in k.columns
    if c.is_required
]
_SOUND: dict[str, tuple[pa.DataType, Any]] = {
    "VARCHAR": (pa.string(), "X"),
    "BIGINT": (pa.int64(), 1),
    "INTEGER": (pa.int32(), 1),
    "DECIMAL": (pa.decimal128(18, 2), Decimal("1.00")),
    "DOUBLE": (pa.float64(), 1.0),
    "DATE": (pa.date32(), date(2017, 3, 1)),
    "TIMESTAMP": (pa.timestamp("us"), datetime(2017, 3, 1, 9)),
    "BOOLEAN": (pa.bool_(), False),
}


def test_there_are_contracts_in_parquet() -> None:
    assert {c.key for c in CONTRACTS} >= {"hus/specialised_care", "hus/invoices"}


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with bare_lake(tmp_path_factory.mktemp("parquet")) as opened:
        yield opened


def cell(column: Column) -> tuple[pa.DataType, Any]:
    """Type and a sound value of a column."""
    if column.is_identity:
        return pa.string(), code(0)
    kind, value = _SOUND[column.sql_type.split("(")[0]]
    return kind, column.codes[0][0] if column.codes else value


def delivery(contract: Contract, **spoilt: tuple[pa.DataType, Any]) -> bytes:
    """Two rows, the second with other values in some columns, or both of another type there."""
    arrays = {}
    for column in contract.columns:
        kind, value = cell(column)
        given = spoilt.get(column.name, (kind, value))
        first = value if given[0] == kind else given[1]
        arrays[column.source_name] = pa.array([first, given[1]], given[0])
    buffer = BytesIO()
    pq.write_table(pa.table(arrays), buffer)
    return buffer.getvalue()


def broken(lake: Lake, contract: Contract, data: bytes, folder: Path) -> dict[int, set[str]]:
    """Rules that are broken because of missing values and types, by record number."""
    path = folder / "delivery.parquet"
    path.write_bytes(data)
    with readable(path, contract, sequence=SEQUENCE, temp=folder) as prepared:
        gate.read(lake, contract, SEQUENCE, prepared, into="records")
    records = {SEQUENCE: "records"}
    gate.find_new_codes(lake, contract, records, into="new_codes")
    gate.show(lake, records, "new_codes")
    gate.judge(lake, contract, (SEQUENCE,))
    found: dict[int, set[str]] = {}
    for number, rule in lake.rows("select record_number, rule_id from gate_broken"):
        found.setdefault(number, set()).add(rule)
    return found


@pytest.mark.parametrize(("contract", "column"), COLUMNS)
def test_a_changed_type_refuses_the_file_and_names_the_column(
    lake: Lake, tmp_path: Path, contract: Contract, column: Column
) -> None:
    kind, _ = cell(column)
    other: tuple[pa.DataType, Any] = (pa.string(), "2017")
    if kind == pa.string():
        other = (pa.int64(), 2017)
    with pytest.raises(DeliveryRefused) as refused:
        broken(lake, contract, delivery(contract, **{column.name: other}), tmp_path)
    assert refused.value.rule_id == "file.column_type"
    assert refused.value.column == column.source_name


@pytest.mark.parametrize(("contract", "column"), DUE)
def test_a_null_where_none_is_due_leaves_out_its_row_alone(
    lake: Lake, tmp_path: Path, contract: Contract, column: Column
) -> None:
    sound = broken(lake, contract, delivery(contract), tmp_path)
    rule = f"{column.name}.required"
    assert all(rule not in rules for rules in sound.values())
    kind, _ = cell(column)
    found = broken(lake, contract, delivery(contract, **{column.name: (kind, None)}), tmp_path)
    assert rule in found[2]
    assert rule not in found.get(1, set())


@pytest.mark.parametrize("contract", CONTRACTS, ids=lambda c: c.key)
def test_what_is_no_parquet_is_refused(lake: Lake, tmp_path: Path, contract: Contract) -> None:
    names = ";".join(c.source_name for c in contract.columns)
    for data in (b"", f"{names}\n1;2\n".encode(), delivery(contract)[:-20]):
        with pytest.raises(DeliveryRefused) as refused:
            broken(lake, contract, data, tmp_path)
        assert refused.value.rule_id == "file.format"
