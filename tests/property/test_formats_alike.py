"""The same table says the same in every format: what the gate makes of it does not depend on it.

Here: random tables written by the libraries of each format. Not here: what each format alone can do
(`tests/unit`), files at fault (`tests/bad_input`).
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable, Iterator
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from dagster_project.contracts.model import Contract, FileFormat
from dagster_project.lake.connection import Lake
from tests.support.made_up import COLUMNS, bare_lake, contract, take
from tests.support.workbook_files import workbook

Row = tuple[Any, ...]
Table = list[Row]
NAMES = [c.source_name for c in COLUMNS]
KINDS = (
    *(pa.int64(), pa.string(), pa.decimal128(18, 2), pa.float64(), pa.date32()),
    *(pa.timestamp("us"), pa.bool_()),
)
LETTERS = "abcåäö ÅÉž€😀1-.,;:'/\\\"\n\t"


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with bare_lake(tmp_path_factory.mktemp("alike")) as opened:
        yield opened


def text(value: object) -> str:
    """A value as a source that knows only text would write it; nothing where there is none."""
    match value:
        case None:
            return ""
        case bool():
            return str(value).lower()
        case _:
            return str(value)


def as_csv(table: Table) -> bytes:
    buffer = io.StringIO(newline="")
    writer = csv.writer(buffer, lineterminator="\n", quoting=csv.QUOTE_ALL)
    writer.writerows([NAMES, *(map(text, row) for row in table)])
    return buffer.getvalue().encode()


def objects(table: Table) -> list[dict[str, Any]]:
    """Numbers and truth as such, the rest as text."""
    return [
        {
            name: value if isinstance(value, bool | int | float | None) else str(value)
            for name, value in zip(NAMES, row, strict=True)
        }
        for row in table
    ]


def as_json(table: Table) -> bytes:
    return json.dumps({"rows": objects(table)}, ensure_ascii=False).encode()


def as_ndjson(table: Table) -> bytes:
    return "".join(json.dumps(item) + "\n" for item in objects(table)).encode()


def as_xlsx(table: Table) -> bytes:
    return workbook([NAMES, *table])


def as_parquet(table: Table) -> bytes:
    columns = zip(*table, strict=True)
    arrays = [pa.array(values, kind) for values, kind in zip(columns, KINDS, strict=True)]
    buffer = io.BytesIO()
    pq.write_table(pa.table(arrays, names=NAMES), buffer, row_group_size=2)
    return buffer.getvalue()


FORMS: tuple[tuple[Contract, Callable[[Table], bytes]], ...] = (
    (contract(FileFormat.CSV, delimiter=","), as_csv),
    (contract(FileFormat.NDJSON), as_ndjson),
    (contract(FileFormat.JSON, records="/rows"), as_json),
    (contract(FileFormat.XLSX), as_xlsx),
    (contract(FileFormat.PARQUET), as_parquet),
)


def maybe(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    return st.none() | values


def measured(digits: int, places: int) -> float:
    """A number of 15 digits at most: openpyxl writes 16, and Excel shows 15."""
    return float(f"{digits}e{-places}")


money = st.decimals(-(10**9), 10**9, places=2).map(lambda amount: amount + 0)
days = st.dates(date(1901, 1, 1), date(2099, 12, 31))
# No change to summer time among them: which hour is missing is not for this test.
moments = st.datetimes(datetime(2017, 6, 1), datetime(2017, 9, 1)).map(
    lambda moment: moment.replace(microsecond=0)
)
rows = st.tuples(
    maybe(st.integers(-(2**53), 2**53)),
    maybe(st.text(st.sampled_from(LETTERS), min_size=1, max_size=12)),
    maybe(money),
    maybe(st.builds(measured, st.integers(-(10**15), 10**15), st.integers(0, 20))),
    maybe(days),
    maybe(moments),
    maybe(st.booleans()),
)


def is_not_empty(row: Row) -> bool:
    """An empty row of a sheet is no record; elsewhere it is one without a key."""
    return any(value is not None for value in row)


@given(table=st.lists(rows.filter(is_not_empty), min_size=1, max_size=6))
@example(table=[(1, "+A1", Decimal("0.10"), 0.1, date(1900, 3, 1), datetime(2017, 7, 1), False)])
@example(table=[(None, "#REF", Decimal(0), -0.0, None, None, True), (2, *[None] * 6)])
@example(table=[(3, "1", Decimal("-0.01"), 1e-20, None, None, None)])
def test_a_table_comes_out_alike_in_every_format(
    lake: Lake, tmp_path_factory: pytest.TempPathFactory, table: Table
) -> None:
    path = tmp_path_factory.getbasetemp() / "alike"
    found = []
    for stated, write in FORMS:
        path.write_bytes(write(table))
        found.append(take(lake, stated, path))
    first, *others = found
    assert [row[:5] + row[6:] for row in first.rows] == [row[:5] + row[6:] for row in table]
    assert others == [first] * len(others)
