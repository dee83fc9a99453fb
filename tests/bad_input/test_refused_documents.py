"""Workbooks, Parquet files and JSON documents that are refused whole: rule and place, no value.

Here: what is wrong with a file as a whole. Not here: rows at fault (`tests/unit/test_workbooks`,
`test_parquet`, `test_json_documents`), CSV and NDJSON (`test_refused_files`).
"""

from __future__ import annotations

import json
import zipfile
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, datetime
from io import BytesIO
from pathlib import Path
from random import Random
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from openpyxl import load_workbook
from openpyxl.worksheet.worksheet import Worksheet

from dagster_project.contracts.model import Column, Contract, FileFormat
from dagster_project.errors import DeliveryRefused
from dagster_project.lake.connection import Lake
from dagster_project.sources import json_documents, sheet_marks, text, workbooks
from tests.support.made_up import COLUMNS, NAME, NUMBER, SHEET, bare_lake, contract, take
from tests.support.workbook_files import FIRST_SHEET, rewritten, shared, workbook

PERSON = "Meikäläinen"
RELATIONS = "xl/_rels/workbook.xml.rels"
XLSX, PARQUET = contract(FileFormat.XLSX, NUMBER, NAME), contract(FileFormat.PARQUET, NUMBER, NAME)
ALL_OF_PARQUET = contract(FileFormat.PARQUET)
JSON = contract(
    FileFormat.JSON,
    *(NUMBER, NAME),
    records="/data/items",
    version_pointer="/meta/version",
    version="v11",
)
HEADER: list[Any] = [NUMBER.source_name, NAME.source_name]
SOUND_ROWS: list[list[Any]] = [HEADER, [1, PERSON], [2, f"{PERSON} B"], [3, f"{PERSON} C"]]
SOUND = workbook(SOUND_ROWS)


@dataclass(frozen=True)
class Fault:
    """A file that must be refused, by which rule, and where."""

    what: str
    contract: Contract
    data: bytes
    rule: str
    line: int | None = None
    column: str | None = None


def parquet(table: pa.Table, **options: Any) -> bytes:
    buffer = BytesIO()
    pq.write_table(table, buffer, **options)
    return buffer.getvalue()


def of_columns(**columns: Any) -> bytes:
    return parquet(pa.table(columns))


def document(items: object = None, *, version: object = "v11") -> bytes:
    given = [{"Numero": 1, "Nimi": PERSON}] if items is None else items
    return json.dumps({"meta": {"version": version}, "data": {"items": given}}).encode()


def zipped(**parts: bytes) -> bytes:
    buffer = BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return buffer.getvalue()


def formula(error: str) -> bytes:
    """A formula that came to nothing, as Excel keeps it."""
    data = workbook([*SOUND_ROWS, [4, "=A1/0"]])
    return rewritten(
        data, ("<f>A1/0</f><v />", f"<f>A1/0</f><v>{error}</v>"), ('<c r="B5">', '<c r="B5" t="e">')
    )


def workbooks_at_fault() -> Iterator[Fault]:
    def fault(what: str, data: bytes, rule: str, *where: Any) -> Fault:
        return Fault(f"xlsx: {what}", XLSX, data, rule, *where)

    yield fault("renamed sheet", workbook(SOUND_ROWS, sheet=f"Taulu {PERSON}"), "file.sheet")
    lost = rewritten(SOUND, ("sheet1.xml", "sheet2.xml"), part=RELATIONS)
    yield fault("sheet that is listed only", lost, "file.sheet")
    yield fault("renamed column", workbook([["Numero", PERSON]]), "file.header", 1, "Nimi")
    yield fault("missing column", workbook([["Numero"], [1]]), "file.header", 1)
    yield fault("extra column", workbook([[*HEADER, PERSON], [1]]), "file.header", 1)
    yield fault("columns turned", workbook([HEADER[::-1]]), "file.header", 1, "Numero")
    yield fault("empty sheet", workbook([]), "file.header", 1)
    yield fault("header a line below", workbook([[], *SOUND_ROWS]), "file.header", 1)
    yield fault(
        "merged header",
        workbook(SOUND_ROWS, change=lambda page: page.merge_cells("A1:B1")),
        *("file.header", 1, "Nimi"),
    )
    for error in ("#REF!", "#DIV/0!", "#N/A", "#VALUE!", "#NAME?", "#NULL!", "#NUM!"):
        yield fault(error, formula(error), "file.formula_error", 5, "Nimi")
    impossible = rewritten(
        workbook([HEADER, [1, date(2017, 1, 2)]]), ("<v>42737</v>", "<v>-99999999</v>")
    )
    yield fault("date that is none", impossible, "file.formula_error", 2, "Nimi")
    uncached = workbook([HEADER, [1, "A"], [], ["=1+1", "B"]])
    yield fault("uncached formula", uncached, "file.formula_uncached", 4, "Numero")
    no_value = rewritten(uncached, ("<f>1+1</f><v />", "<f>1+1</f>"))
    yield fault("formula without value", no_value, "file.formula_uncached", 4, "Numero")
    yield fault("value beside the table", workbook([HEADER, [1, "A", "", 5]]), "file.columns", 2)
    yield fault("NUL", workbook([HEADER, [1, "A_x0000_"]]), "file.nul", 2, "Nimi")
    yield from (
        fault(what, data, "file.format")
        for what, data in {
            "empty file": b"",
            "CSV": f"Numero;Nimi\n1;{PERSON}\n".encode(),
            "encrypted": bytes.fromhex("d0cf11e0a1b11ae1") + bytes(4096),
            "cut off": SOUND[: len(SOUND) // 2],
            "another zip": zipped(notes=PERSON.encode()),
            "a zip bomb": zipped(bomb=bytes(workbooks.MAX_UNZIPPED_BYTES + 1)),
            "broken XML": rewritten(SOUND, ("</sheetData>", "")),
            "rows out of order": rewritten(SOUND, ('<row r="3">', '<row r="2">')),
            "a cell twice": rewritten(SOUND, ('r="B2"', 'r="A2"')),
            "a row beyond all": rewritten(SOUND, ('<row r="4">', '<row r="9999999999">')),
            "text that is not there": rewritten(shared(SOUND), (' t="s"><v>3<', ' t="s"><v>9<')),
            "a part that is not XML": rewritten(SOUND, ("<worksheet", PERSON), part=FIRST_SHEET),
        }.items()
    )


def parquet_at_fault() -> Iterator[Fault]:
    def fault(what: str, data: bytes, rule: str, column: str | None = None) -> Fault:
        return Fault(f"parquet: {what}", PARQUET, data, rule, None, column)

    sound = of_columns(Numero=[1], Nimi=[PERSON])
    yield fault("missing column", of_columns(Numero=[1]), "file.header")
    yield fault("extra column", of_columns(Numero=[1], Nimi=["A"], Muu=[PERSON]), "file.header")
    yield fault("renamed column", of_columns(Numero=[1], nimi=["A"]), "file.header", "Nimi")
    yield fault("columns turned", of_columns(Nimi=["A"], Numero=[1]), "file.header", "Numero")
    yield from (
        fault(what, data, "file.format")
        for what, data in {
            "empty file": b"",
            "CSV": f"Numero;Nimi\n1;{PERSON}\n".encode(),
            "cut off": sound[:-9],
            "only the mark": b"PAR1PAR1",
            "spoiled pages": sound[:4] + bytes(60) + sound[64:],
            "text that is not UTF-8": of_columns(Numero=[1], Nimi=["AAAA"]).replace(
                b"AAAA", b"\xe4\xe4\xe4\xe4"
            ),
        }.items()
    )


TYPES: dict[str, tuple[pa.DataType, object]] = {
    "text": (pa.string(), PERSON),
    "binary": (pa.binary(), PERSON.encode()),
    "whole": (pa.int64(), 1),
    "decimal": (pa.decimal128(10, 2), 1),
    "float": (pa.float64(), 1.0),
    "date": (pa.date32(), date(2017, 1, 2)),
    "timestamp": (pa.timestamp("us"), datetime(2017, 1, 2)),
    "time": (pa.time64("us"), datetime(2017, 1, 2).time()),
    "boolean": (pa.bool_(), True),
    "list": (pa.list_(pa.string()), [PERSON]),
    "struct": (pa.struct([("a", pa.string())]), {"a": PERSON}),
}
DUE = {
    "BIGINT": {"whole"},
    "VARCHAR": {"text"},
    "DECIMAL(18,2)": {"whole", "decimal"},
    "DOUBLE": {"whole", "decimal", "float"},
    "DATE": {"date"},
    "TIMESTAMP": {"timestamp"},
    "BOOLEAN": {"boolean"},
}


def changed_types() -> Iterator[Fault]:
    for column in COLUMNS:
        stated = contract(FileFormat.PARQUET, column)
        for what in sorted(TYPES.keys() - DUE[column.sql_type]):
            kind, value = TYPES[what]
            data = parquet(pa.table({column.source_name: pa.array([value], kind)}))
            name = f"parquet: {what} for {column.sql_type}"
            yield Fault(name, stated, data, "file.column_type", None, column.source_name)
    identity = Column("person_id", "Tunnus", "BIGINT", "", is_identity=True)
    data = of_columns(Tunnus=[1])
    stated = contract(FileFormat.PARQUET, identity)
    yield Fault("parquet: number for a code", stated, data, "file.column_type", None, "Tunnus")


def documents_at_fault() -> Iterator[Fault]:
    def fault(what: str, data: bytes, rule: str, *where: Any) -> Fault:
        return Fault(f"json: {what}", JSON, data, rule, *where)

    whole = document()
    yield fault("another version", document(version=f"v12 {PERSON}"), "file.version")
    yield fault("version as number", document(version=11), "file.version")
    yield fault("version as true", document(version=True), "file.version")
    yield fault("no version", b'{"data": {"items": []}}', "file.version")
    yield fault("no document but a list", b"[]", "file.version")
    yield fault("no records", b'{"meta": {"version": "v11"}}', "file.records")
    yield fault("records elsewhere", document().replace(b"items", b"rows"), "file.records")
    yield fault("records by name", document({"1": {"Nimi": PERSON}}), "file.records")
    yield fault("records as text", document(PERSON), "file.records")
    doubled = whole.replace(b'"Numero": 1', b'"Nimi": "B", "Numero": 1')
    yield fault("key given twice", doubled, "file.doubled_key")
    yield fault("not UTF-8", b'{"a":\n"\xe4"}', "file.encoding", 2)
    yield fault("UTF-16", whole.decode().encode("utf-16"), "file.encoding", 1)
    yield fault("huge record", document([{"Nimi": "A" * text.MAX_LINE_BYTES}]), "file.line_size")
    yield fault("cut off", whole[:-5], "file.format", 1)
    yield fault("byte order mark", b"\xef\xbb\xbf" + whole, "file.format", 1)
    yield from (
        fault(what, data, "file.format", *where)
        for what, data, *where in (
            ("empty file", b"", 1),
            ("NDJSON", b'{"Numero": 1}\n{"Numero": 2}\n', 2),
            ("XML", f"<a>{PERSON}</a>".encode(), 1),
            ("NUL", whole.replace(b"items", b"ite\0ms"), 1),
            ("NaN", document([{"Numero": float("nan"), "Nimi": PERSON}])),
            ("endless number", document().replace(b": 1", b": " + b"1" * 5000)),
            ("nested without end", b"[" * 200_000 + b"]" * 200_000),
        )
    )


FAULTS = (*workbooks_at_fault(), *parquet_at_fault(), *changed_types(), *documents_at_fault())


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    with bare_lake(tmp_path_factory.mktemp("documents")) as opened:
        yield opened


def refused(lake: Lake, stated: Contract, path: Path) -> DeliveryRefused:
    with pytest.raises(DeliveryRefused) as caught:
        take(lake, stated, path)
    return caught.value


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.what)
def test_a_file_at_fault_is_refused_by_rule_and_place(
    lake: Lake, fault: Fault, tmp_path: Path
) -> None:
    path = tmp_path / "delivery"
    path.write_bytes(fault.data)
    found = refused(lake, fault.contract, path)
    assert (found.rule_id, found.line) == (fault.rule, fault.line)
    if fault.column is not None:
        assert found.column == fault.column
    assert PERSON not in str(found)


@pytest.mark.parametrize("stated", [XLSX, PARQUET, JSON], ids=lambda c: c.dialect.format)
def test_a_file_that_is_gone_is_refused(lake: Lake, stated: Contract, tmp_path: Path) -> None:
    assert refused(lake, stated, tmp_path / "gone").rule_id == "file.unreadable"


def test_the_refusal_of_a_sheet_names_the_one_that_is_due(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "delivery"
    path.write_bytes(workbook(SOUND_ROWS, sheet="Muu"))
    message = str(refused(lake, XLSX, path))
    assert SHEET in message
    assert "Muu" not in message


def test_a_stated_value_above_the_table_may_be_no_error(lake: Lake, tmp_path: Path) -> None:
    path = tmp_path / "delivery"
    stated = contract(
        FileFormat.XLSX, NUMBER, Column("provider_id", "cell:B1", "VARCHAR", ""), header_line=2
    )
    path.write_bytes(workbook([["Tuottaja", "=A1"], ["Numero"], [1]]))
    found = refused(lake, stated, path)
    assert (found.rule_id, found.line) == ("file.formula_uncached", 1)


def test_a_row_of_a_workbook_may_be_so_long_and_no_longer(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "delivery"
    path.write_bytes(workbook([HEADER, [1, "A"], [], [2, "A" * 2000]]))
    monkeypatch.setattr(workbooks, "MAX_LINE_BYTES", 2000)
    found = refused(lake, XLSX, path)
    assert (found.rule_id, found.line) == ("file.line_size", 4)


def far_below(page: Worksheet) -> None:
    page.cell(600, 1, 5)


def test_a_sheet_that_spans_more_than_it_holds_is_refused(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workbooks, "MAX_CELLS", 500)
    path = tmp_path / "delivery"
    path.write_bytes(workbook(SOUND_ROWS, change=far_below))
    assert refused(lake, XLSX, path).rule_id == "file.format"


def test_merged_cells_without_end_are_refused(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sheet_marks, "_MAX_MERGED", 0)
    path = tmp_path / "delivery"
    path.write_bytes(workbook(SOUND_ROWS, change=lambda page: page.merge_cells("A1:A2")))
    assert refused(lake, XLSX, path).rule_id == "file.format"


def test_a_document_may_be_so_large_and_no_larger(
    lake: Lake, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "delivery"
    path.write_bytes(document())
    monkeypatch.setattr(json_documents, "MAX_DOCUMENT_BYTES", len(document()))
    assert len(take(lake, JSON, path).rows) == 1
    monkeypatch.setattr(json_documents, "MAX_DOCUMENT_BYTES", len(document()) - 1)
    assert refused(lake, JSON, path).rule_id == "file.format"


def large_parquet() -> bytes:
    names = [f"{PERSON} {number}" for number in range(500)]
    return parquet(pa.table({"Numero": list(range(500)), "Nimi": names}), row_group_size=100)


SPOILT = {
    "xlsx": (XLSX, SOUND),
    "parquet": (PARQUET, large_parquet()),
    "json": (JSON, document([{"Numero": n, "Nimi": f"{PERSON} {n}"} for n in range(20)])),
}


def outcome_of(lake: Lake, stated: Contract, path: Path) -> str:
    """What is said of a file: which rules its rows break, or why it is refused."""
    try:
        return str(take(lake, stated, path).broken)
    except DeliveryRefused as refusal:
        return str(refusal)


@pytest.mark.parametrize("form", SPOILT)
@pytest.mark.parametrize(
    "seeds",
    [range(60), pytest.param(range(60, 2_060), marks=pytest.mark.deep)],
    ids=["few", "many"],
)
def test_any_bytes_are_read_quarantined_or_refused(
    lake: Lake, form: str, seeds: range, tmp_path: Path
) -> None:
    stated, sound = SPOILT[form]
    path = tmp_path / "delivery"
    for seed in seeds:
        random = Random(f"{form} {seed}")
        data = bytearray(sound)
        for _ in range(random.randint(1, 3)):
            start = random.randrange(len(data))
            data[start : start + random.choice((0, 1, 1, 4))] = random.randbytes(
                random.choice((0, 1, 2))
            )
        path.write_bytes(data)
        try:
            outcome = outcome_of(lake, stated, path)
        except Exception as error:
            error.add_note(f"{form}, seed {seed}")
            raise
        assert PERSON not in outcome


def test_the_sound_workbook_is_one() -> None:
    """As openpyxl reads it by itself."""
    page = load_workbook(BytesIO(SOUND))[SHEET]
    assert [list(row) for row in page.iter_rows(values_only=True)] == SOUND_ROWS
