"""A sheet's cells come out of the gate as what they show in Excel, by the record's own number.

Here: sound workbooks, and rows at fault. Not here: workbooks that are refused
(`tests/bad_input/test_refused_documents`).
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from openpyxl.chart import BarChart, Reference
from openpyxl.worksheet.worksheet import Worksheet

from dagster_project.contracts.model import Column, Contract, FileFormat
from dagster_project.lake.connection import Lake
from dagster_project.sources import workbooks
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
from tests.support.workbook_files import rewritten, shared, workbook

HEADER = [c.source_name for c in COLUMNS]
XLSX = contract(FileFormat.XLSX)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with bare_lake(tmp_path_factory.mktemp("workbooks")) as opened:
        yield opened


@pytest.fixture
def taken(lake: Lake, tmp_path: Path) -> Any:
    def taken(data: bytes, stated: Contract = XLSX) -> Taken:
        path = tmp_path / "delivery.xlsx"
        path.write_bytes(data)
        return take(lake, stated, path)

    return taken


def values(column: Column, *cells: object) -> bytes:
    """A workbook of numbered rows with one column besides."""
    rows = [[number, cell] for number, cell in enumerate(cells, start=1)]
    return workbook([[NUMBER.source_name, column.source_name], *rows])


def exactly(data: bytes, rounded: str, number: str) -> bytes:
    """A workbook with all the digits that Excel writes of a number; openpyxl writes 16."""
    return rewritten(data, (f"<v>{rounded}</v>", f"<v>{number}</v>"))


def of_two(column: Column, **dialect: Any) -> Contract:
    return contract(FileFormat.XLSX, NUMBER, column, **dialect)


def test_values_of_every_type_come_out_as_such(taken: Any) -> None:
    row = [
        1,
        'Äiti; "ö"\ntoka',
        12.5,
        0.25,
        datetime(2017, 1, 2),
        datetime(2017, 1, 2, 9, 30),
        True,
    ]
    found = taken(workbook([HEADER, row, [2, *[None] * 6]]))
    assert found.broken == {}
    assert found.rows == [
        (
            1,
            'Äiti; "ö"\ntoka',
            Decimal("12.50"),
            0.25,
            date(2017, 1, 2),
            datetime(2017, 1, 2, 7, 30),  # UTC
            True,
        ),
        (2, *[None] * 6),
    ]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        (12, "12"),
        (12.0, "12"),
        (12.5, "12.5"),
        (-0.1, "-0.1"),
        (1e-7, "0.0000001"),
        (1e21, "1000000000000000000000"),
        (123456789012, "123456789012"),
        (True, "true"),
        (False, "false"),
        (date(2017, 1, 2), "2017-01-02"),
        (datetime(2017, 1, 2, 9, 30), "2017-01-02 09:30:00"),
        (" A ", " A "),
        ("00100", "00100"),
        ("=", "="),
        ("#REF", "#REF"),
        ("NA", "NA"),
    ],
)
def test_a_cell_is_written_out_in_one_way(taken: Any, cell: object, text: str) -> None:
    assert taken(values(NAME, cell), of_two(NAME)).rows == [(1, text)]


def test_money_has_the_digits_that_excel_shows(taken: Any) -> None:
    data = exactly(values(AMOUNT, 0.3, 1234567.89, 435), "0.3", "0.30000000000000004")
    found = taken(data, of_two(AMOUNT))
    assert found.broken == {}
    assert [amount for _, amount in found.rows] == list(map(Decimal, ("0.30", "1234567.89", "435")))


def test_a_measured_number_keeps_all_its_digits(taken: Any) -> None:
    data = exactly(values(RATE, 0.3, 1e300), "0.3", "0.30000000000000004")
    assert taken(data, of_two(RATE)).rows == [(1, 0.1 + 0.2), (2, 1e300)]


@pytest.mark.parametrize(
    ("column", "cell"),
    [
        (AMOUNT, "kaksi"),
        (AMOUNT, "12,5"),
        (AMOUNT, 12.345),
        (AMOUNT, datetime(2017, 1, 2)),
        (RATE, "-"),
        (DAY, 42737),
        (DAY, "2.1.2017"),
        (DAY, datetime(2017, 1, 2, 9, 30)),
        (MOMENT, 42737.5),
        (MOMENT, datetime(2017, 3, 26, 3, 30, 0, 500_000)),
        (FLAG, "kyllä"),
        (FLAG, 1),
    ],
)
def test_a_cell_of_another_type_is_its_rows_own_fault(
    taken: Any, column: Column, cell: object
) -> None:
    found = taken(values(column, cell, None), of_two(column))
    assert found.broken == {1: {f"{column.name}.type"}}
    assert found.rows == [(1, None), (2, None)]


def test_a_date_where_a_moment_is_due_is_its_midnight(taken: Any) -> None:
    found = taken(values(MOMENT, datetime(2017, 1, 2)), of_two(MOMENT))
    assert found.rows == [(1, datetime(2017, 1, 1, 22))]


def test_a_missing_value_where_one_is_due_is_its_rows_own_fault(taken: Any) -> None:
    data = workbook([["Numero", "Nimi"], [1, "A"], [None, "B"], ["", "C"]])
    found = taken(data, of_two(NAME))
    assert found.broken == {2: {"number.required"}, 3: {"number.required"}}


def test_empty_rows_are_no_records(taken: Any) -> None:
    def leave_gaps(page: Worksheet) -> None:
        page.cell(5, 1, "")
        page.cell(9, 1, 2)
        page.cell(9, 2, "B")

    data = workbook([["Numero", "Nimi"], [], [1, "A"]], change=leave_gaps)
    assert taken(data, of_two(NAME)).rows == [(1, "A"), (2, "B")]
    assert workbooks.record(data, of_two(NAME), 2) == {
        "Tiedot!A9, Numero": "2",
        "Tiedot!B9, Nimi": "B",
    }


def test_a_sheet_of_nothing_but_its_header_has_no_records(taken: Any) -> None:
    assert taken(workbook([HEADER])).rows == []


def test_rows_beyond_the_size_that_the_file_states_are_read(taken: Any) -> None:
    data = workbook([["Numero", "Nimi"], *([n, "A"] for n in range(1, 11))])
    cut = rewritten(data, ('<dimension ref="A1:B11" />', '<dimension ref="A1:A2" />'))
    assert len(taken(cut, of_two(NAME)).rows) == 10


def test_a_header_of_two_rows_with_merged_cells_and_values_stated_above(taken: Any) -> None:
    def merge(page: Worksheet) -> None:
        page.merge_cells("A4:A5")
        page.merge_cells("B4:C4")
        page.merge_cells("A1:F1")

    provider = Column("provider_id", "cell:B2", "VARCHAR", "")
    period = Column("period_date", "cell:D2", "DATE", "")
    amounts = [Column(n, f"Summa / {n}", "DECIMAL(18,2)", "") for n in ("euroa", "kpl")]
    stated = contract(
        FileFormat.XLSX, NUMBER, provider, *amounts, period, header_line=4, header_rows=2
    )
    data = workbook(
        [
            ["Tuloskortti"],
            ["Tuottaja", "P1", "Kausi", date(2017, 3, 31)],
            [],
            ["Numero", "Summa"],
            [None, " euroa ", "kpl"],
            [1, 10.5, 3],
            [2, 11, None],
        ],
        change=merge,
    )
    found = taken(data, stated)
    assert found.broken == {}
    assert found.rows == [
        (1, "P1", Decimal("10.50"), Decimal(3), date(2017, 3, 31)),
        (2, "P1", Decimal(11), None, date(2017, 3, 31)),
    ]
    assert workbooks.record(data, stated, 2) == {
        "Tiedot!A7, Numero": "2",
        "Tiedot!B2, provider_id": "P1",
        "Tiedot!B7, Summa / euroa": "11",
        "Tiedot!C7, Summa / kpl": "",
        "Tiedot!D2, period_date": "2017-03-31",
    }


def test_of_a_formula_the_value_counts_that_the_file_holds(taken: Any) -> None:
    data = workbook([["Numero", "Nimi"], [1, "=1+2"], [2, '=""']])
    cached = rewritten(
        data,
        ('<c r="B2"><f>1+2</f><v /></c>', '<c r="B2"><f>1+2</f><v>3</v></c>'),
        ('<c r="B3"><f>""</f><v /></c>', '<c r="B3" t="str"><f>""</f><v></v></c>'),
    )
    assert taken(cached, of_two(NAME)).rows == [(1, "3"), (2, None)]


def test_texts_may_stand_in_a_table_of_their_own(taken: Any) -> None:
    data = shared(workbook([["Numero", "Nimi"], [1, "Ä"], [2, "B_x000D_\nC"], [3, "Ä"]]))
    assert taken(data, of_two(NAME)).rows == [(1, "Ä"), (2, "B\r\nC"), (3, "Ä")]


def test_a_line_end_that_excel_escapes_is_one(taken: Any) -> None:
    assert taken(values(NAME, "A_x000D_\nB"), of_two(NAME)).rows == [(1, "A\r\nB")]


def test_the_sheet_due_may_stand_among_others(taken: Any) -> None:
    def add_another(page: Worksheet) -> None:
        book = page.parent
        assert book is not None
        book.create_sheet("Ohje", 0).append(["Numero", "Nimi"])
        chart = BarChart()
        chart.add_data(Reference(page, min_col=1, min_row=2))
        book.create_chartsheet("Kuvio", 0).add_chart(chart)

    data = workbook([["Numero", "Nimi"], [1, "A"]], change=add_another)
    assert taken(data, of_two(NAME)).rows == [(1, "A")]


@pytest.mark.parametrize("number", [-1, 0, 3])
def test_a_record_that_is_not_there_is_not_shown(number: int) -> None:
    assert workbooks.record(values(NAME, "A", "B"), of_two(NAME), number) is None
