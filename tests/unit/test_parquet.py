"""A Parquet file's rows come out of the gate in their order, each value as a CSV would have it.

Here: sound files, and rows at fault. Not here: files that are refused
(`tests/bad_input/test_refused_documents`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from dagster_project.contracts.model import Column, Contract, FileFormat
from dagster_project.lake.connection import Lake, open_scratch
from dagster_project.settings import Settings
from dagster_project.sources import parquet
from tests.support.made_up import (
    AMOUNT,
    COLUMNS,
    DAY,
    FLAG,
    MOMENT,
    NAME,
    NUMBER,
    RATE,
    Taken,
    bare_lake,
    contract,
    take,
)

PARQUET = contract(FileFormat.PARQUET)
ROWS = 350_000


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with bare_lake(tmp_path_factory.mktemp("parquet")) as opened:
        yield opened


def written(table: pa.Table, **options: Any) -> bytes:
    buffer = BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def of_two(column: Column, *values: Any, kind: pa.DataType) -> tuple[bytes, Contract]:
    """Numbered rows with one column besides, and their contract."""
    names = {
        NUMBER.source_name: list(range(1, len(values) + 1)),
        column.source_name: pa.array(values, kind),
    }
    return written(pa.table(names)), contract(FileFormat.PARQUET, NUMBER, column)


@pytest.fixture
def taken(lake: Lake, tmp_path: Path) -> Any:
    def taken(data: bytes, stated: Contract = PARQUET) -> Taken:
        path = tmp_path / "delivery [1]*.parquet"
        path.write_bytes(data)
        return take(lake, stated, path)

    return taken


def test_values_of_every_type_come_out_as_such(taken: Any) -> None:
    moment = datetime(2017, 7, 2, 9, 30)
    row = (1, "Äiti", Decimal("12.50"), 0.1 + 0.2, date(2017, 1, 2), moment, True)
    names = [c.source_name for c in COLUMNS]
    cells = [pa.array([value, None]) for value in row[1:]]
    found = taken(written(pa.table([pa.array([1, 2]), *cells], names=names)))
    assert found.broken == {}
    assert found.rows == [
        (*row[:5], datetime(2017, 7, 2, 6, 30), True),  # summer time
        (2, *[None] * 6),
    ]


@pytest.mark.parametrize(
    ("column", "kind", "value", "due"),
    [
        (NAME, pa.string(), "", None),
        (NAME, pa.large_string(), "Å", "Å"),
        (NAME, pa.dictionary(pa.int32(), pa.string()), "Å", "Å"),
        (NAME, pa.null(), None, None),
        (NUMBER, pa.int8(), 1, 1),
        (AMOUNT, pa.decimal128(20, 6), Decimal("100.500000"), Decimal("100.50")),
        (AMOUNT, pa.decimal128(20, 6), Decimal("100"), Decimal(100)),
        (AMOUNT, pa.decimal128(20, 0), Decimal("100"), Decimal(100)),
        (AMOUNT, pa.int64(), 100, Decimal(100)),
        (RATE, pa.float32(), 0.5, 0.5),
        (RATE, pa.float64(), 1e300, 1e300),
        (RATE, pa.decimal128(20, 6), Decimal("0.25"), 0.25),
        (DAY, pa.date32(), date(1899, 12, 31), date(1899, 12, 31)),
        (MOMENT, pa.timestamp("s"), datetime(2017, 1, 2, 2), datetime(2017, 1, 2)),
        (MOMENT, pa.timestamp("ns"), datetime(2017, 1, 2, 2), datetime(2017, 1, 2)),
        (FLAG, pa.bool_(), False, False),
    ],
    ids=str,
)
def test_widths_and_units_may_differ(
    taken: Any, column: Column, kind: pa.DataType, value: object, due: object
) -> None:
    name = Column("other", column.source_name + "2", column.sql_type, "")
    found = taken(*of_two(name, value, kind=kind))
    assert (found.rows, found.broken) == ([(1, due)], {})


@pytest.mark.parametrize("zone", ["UTC", "Europe/Helsinki", "America/New_York"])
def test_a_moment_with_zone_is_that_moment_also_in_the_doubled_hour(taken: Any, zone: str) -> None:
    moments = [datetime(2017, 10, 29, hour, 30, tzinfo=UTC) for hour in (0, 1, 2)]
    found = taken(*of_two(MOMENT, *moments, kind=pa.timestamp("us", tz=zone)))
    assert [m for _, m in found.rows] == [moment.replace(tzinfo=None) for moment in moments]
    assert found.broken == {}


def test_a_moment_without_zone_is_local_by_the_contract(taken: Any) -> None:
    eastern = timezone(timedelta(hours=2))
    local = datetime(2017, 1, 2, 12, 0)
    found = taken(*of_two(MOMENT, local, datetime(2017, 3, 26, 3, 30), kind=pa.timestamp("us")))
    assert found.rows[0][1] == local.replace(tzinfo=eastern).astimezone(UTC).replace(tzinfo=None)
    assert found.broken == {2: {"moment.missing_hour"}}


@pytest.mark.parametrize(
    ("column", "kind", "value", "rule"),
    [
        (AMOUNT, pa.decimal128(20, 6), Decimal("1.234"), "amount.type"),
        (AMOUNT, pa.decimal128(38, 2), Decimal(10) ** 30, "amount.type"),
        (RATE, pa.float64(), float("nan"), "rate.type"),
        (RATE, pa.float64(), float("inf"), "rate.type"),
        (MOMENT, pa.timestamp("ms"), datetime(2017, 1, 2, 2, 0, 0, 5000), "moment.type"),
        (NAME, pa.string(), "A\0B", "row.broken"),
    ],
    ids=str,
)
def test_a_value_that_is_none_of_its_column_is_its_rows_own_fault(
    taken: Any, column: Column, kind: pa.DataType, value: object, rule: str
) -> None:
    found = taken(*of_two(column, None, value, kind=kind))
    assert found.broken == {2: {rule}}


def test_a_null_where_none_is_due_is_its_rows_own_fault(taken: Any) -> None:
    data = written(pa.table({"Numero": [1, None, 3], "Nimi": ["A", "B", "C"]}))
    found = taken(data, contract(FileFormat.PARQUET, NUMBER, NAME))
    assert found.broken == {2: {"number.required"}}


def test_record_numbers_follow_the_file_over_many_row_groups(
    lake: Lake, taken: Any, tmp_path: Path
) -> None:
    """The numbers are a permutation that no sorting would give."""
    scattered = [(7919 * place) % 350_003 for place in range(1, ROWS + 1)]
    names = [f"N{number}" for number in scattered]
    data = written(pa.table({"Numero": scattered, "Nimi": names}), row_group_size=30_000)
    stated = contract(FileFormat.PARQUET, NUMBER, NAME)
    found = taken(data, stated)
    assert [row[0] for row in found.rows] == scattered
    assert found.broken == {}
    for number in (1, 30_000, 30_001, ROWS):
        shown = parquet.record(data, stated, number)
        assert shown == {"Numero": str(scattered[number - 1]), "Nimi": names[number - 1]}
    assert parquet.record(data, stated, 0) is None
    assert parquet.record(data, stated, ROWS + 1) is None


def test_a_file_without_rows_has_no_records(taken: Any) -> None:
    schema = pa.schema([("Numero", pa.int64()), ("Nimi", pa.string())])
    data = written(schema.empty_table())
    assert taken(data, contract(FileFormat.PARQUET, NUMBER, NAME)).rows == []


def test_columns_whose_names_differ_in_case_only_are_kept_apart(taken: Any) -> None:
    columns = (NUMBER, Column("a", "nimi", "VARCHAR", ""), Column("b", "NIMI", "VARCHAR", ""))
    data = written(pa.table({"Numero": [1], "nimi": ["x"], "NIMI": ["y"]}))
    assert taken(data, contract(FileFormat.PARQUET, *columns)).rows == [(1, "x", "y")]


def test_a_row_is_shown_as_text() -> None:
    row = [1, "Ä", Decimal("1.50"), 0.5, date(2017, 1, 2), datetime(2017, 1, 2, 9), None]
    names = [c.source_name for c in COLUMNS]
    data = written(pa.table([pa.array([v]) for v in row], names=names))
    shown = parquet.record(data, PARQUET, 1)
    assert shown == dict(
        zip(names, ("1", "Ä", "1.50", "0.5", "2017-01-02", "2017-01-02 09:00:00", ""), strict=True)
    )


def test_a_descriptor_that_comes_again_is_another_file(
    tmp_path: Path,
) -> None:
    """DuckDB keeps what it read by name and time: a delivery must not be another's rows."""
    found = []
    with open_scratch(Settings(home=tmp_path)) as lake:
        for value in (1, 2):
            file = tmp_path / "delivery.parquet"
            file.write_bytes(written(pa.table({"value": [value]})))
            with file.open("rb") as opened:
                name = f"/proc/self/fd/{opened.fileno()}"
                found.append(lake.count(f"select min(value) from read_parquet('{name}')"))
    assert found == [1, 2]
