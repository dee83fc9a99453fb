"""One good delivery of every contract, and ways to spoil it in whatever form it has.

Here: files of a small synthetic region without dirt, of the published tables a few made-up rows;
changes to bytes by format. Not here: what must become of them (`tests/pipeline`).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
from openpyxl import load_workbook

from dagster_project.contracts.model import CELL, Contract, FileFormat
from dagster_project.pipeline import load_definition
from dagster_project.synthetic.region import make_deliveries
from tests.support.deliveries import Row, Value, encode
from tests.support.raw_files import POPULATION

OTHER = "Muu otsikko"
FEWEST_RECORDS = 3
_PUBLISHED_ROWS = 100


@dataclass(frozen=True)
class Good:
    """A delivery that keeps its contract."""

    contract: Contract
    name: str
    data: bytes
    record_count: int

    @property
    def key(self) -> str:
        """`<source>/<table>`."""
        return self.contract.key

    @property
    def sequence(self) -> int:
        """As the file's name states it.

        Raises:
            ValueError: it states none.
        """
        sequence = self.contract.delivery.sequence_of(self.name)
        if sequence is None:
            raise ValueError(f"{self.name} states no sequence")
        return sequence

    def land(self, landing: Path, data: bytes | None = None) -> Path:
        """Put the file, or other bytes under its name, into landing."""
        path = landing / self.key / self.name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.data if data is None else data)
        return path


def good_deliveries(folder: Path) -> dict[str, Good]:
    """The smallest delivery of each contract that a half year of a thousand residents holds.

    Of the newest major, with a few records at least where there is one; tables that no region has
    are made up.
    """
    manifest = folder / "manifest.json"
    make_deliveries(
        folder / "landing",
        residents=1_000,
        months=6,
        start_month=201704,
        manifest=manifest,
        with_dirt=False,
    )
    counts: dict[str, int] = json.loads(manifest.read_text(encoding="utf-8"))["files"]
    found: dict[str, Good] = {}
    for file, count in sorted(counts.items(), key=lambda item: item[1]):
        key, _, name = file.rpartition("/")
        good = _of_file(key, name, folder / "landing" / file, count)
        if good is not None and key not in found:
            found[key] = good
    return published() | found


def _of_file(key: str, name: str, path: Path, count: int) -> Good | None:
    catalogue = load_definition().catalogue
    contract = catalogue.latest(key)
    sequence = contract.delivery.sequence_of(name)
    if sequence is None or count < FEWEST_RECORDS:
        return None
    is_newest = catalogue.in_force(key, sequence) is contract
    return Good(contract, name, path.read_bytes(), count) if is_newest else None


def published() -> dict[str, Good]:
    """Tables that others publish: rows of plain values, as many as are due at least."""
    catalogue = load_definition().catalogue
    population = Good(
        POPULATION.contract,
        POPULATION.name.format(POPULATION.first_sequence),
        POPULATION.data,
        POPULATION.record_count,
    )
    names = {
        "thl/need_model": "thl_need_2023_inputs.csv",
        "thl/need_areas": "thl_need_2023_areas.csv",
    }
    made = [_made_up(catalogue.latest(key), name) for key, name in names.items()]
    return {good.key: good for good in (population, *made)}


def _made_up(contract: Contract, name: str) -> Good:
    rows: list[Row] = [
        {c.name: _value(c.sql_type, number) for c in contract.columns}
        for number in range(1, _PUBLISHED_ROWS + 1)
    ]
    return Good(contract, name, encode(contract, rows), len(rows))


def _value(sql_type: str, number: int) -> Value:
    if sql_type == "VARCHAR":
        return f"Nimi {number}"
    return number if sql_type in {"BIGINT", "INTEGER"} else f"0.{number}"


# Spoiling. Each takes a delivery and gives other bytes.


def headings(contract: Contract, sequence: int) -> list[str]:
    """Headings of the table itself, as the file has them."""
    names = [c.source_name for c in contract.columns if not c.source_name.startswith(CELL)]
    return [name.replace("{sequence}", str(sequence)) for name in names]


def renamed_heading(good: Good) -> bytes:
    """The first heading is another; in JSON the field of every record."""
    first = headings(good.contract, good.sequence)[0]
    return _RENAMED[good.contract.dialect.format](good, first)


def header_only(good: Good) -> bytes:
    """No record is left."""
    return _EMPTIED[good.contract.dialect.format](good)


def truncated(good: Good) -> bytes:
    """The last record is cut off; of a file that is no text, the end."""
    if good.contract.dialect.format in (FileFormat.CSV, FileFormat.NDJSON):
        return good.data.rstrip(b"\r\n")[:-2]
    return good.data[: -max(20, len(good.data) // 10)]


def with_nul(good: Good) -> bytes:
    """A NUL in the last line of a text; of another file, a stretch of them in its middle."""
    if good.contract.dialect.format in (FileFormat.CSV, FileFormat.NDJSON, FileFormat.JSON):
        middle = len(good.data.rstrip()) - 3
        return good.data[:middle] + b"\0" + good.data[middle:]
    middle = len(good.data) // 2
    return good.data[:middle] + bytes(64) + good.data[middle + 64 :]


def _renamed_text(good: Good, first: str) -> bytes:
    lines = good.data.splitlines(keepends=True)
    at = good.contract.dialect.header_line - 1
    encoding = good.contract.dialect.encoding.removesuffix("-sig")
    due = first.encode(encoding)
    if due not in lines[at]:
        raise ValueError(f"{good.name} has no heading {first}")
    lines[at] = lines[at].replace(due, OTHER.encode(encoding), 1)
    return b"".join(lines)


def _renamed_lines(good: Good, first: str) -> bytes:
    records = [json.loads(line) for line in good.data.splitlines()]
    return "".join(json.dumps(_renamed(r, first)) + "\n" for r in records).encode()


def _renamed(record: dict[str, Any], first: str) -> dict[str, Any]:
    """The record without the field, or without the object that a pointer leads through."""
    field = first.removeprefix("/").partition("/")[0] if first.startswith("/") else first
    return {OTHER if name == field else name: value for name, value in record.items()}


def _renamed_document(good: Good, first: str) -> bytes:
    document = json.loads(good.data)
    records = _records(document, good.contract.dialect.records)
    records[:] = [_renamed(record, first) for record in records]
    return json.dumps(document, ensure_ascii=False).encode()


def _records(document: Any, pointer: str) -> list[Any]:
    for part in pointer.split("/")[1:]:
        document = document[part]
    records: list[Any] = document
    return records


def _renamed_sheet(good: Good, first: str) -> bytes:
    book, dialect = _values(good), good.contract.dialect
    page = book[dialect.sheet]
    rows = range(dialect.header_line, dialect.header_line + dialect.header_rows)
    # The lowest cell of its own: one that is merged with those above has no value.
    own = [page.cell(n, 1) for n in rows if page.cell(n, 1).value is not None]
    own[-1].value = OTHER
    return _saved(book)


def _values(good: Good) -> Any:
    """The workbook with what its formulas came to, which openpyxl does not keep beside them."""
    return load_workbook(BytesIO(good.data), data_only=True)


def _saved(book: Any) -> bytes:
    buffer = BytesIO()
    book.save(buffer)
    return buffer.getvalue()


def _renamed_parquet(good: Good, first: str) -> bytes:
    table = pq.read_table(BytesIO(good.data))
    return _written(table.rename_columns([OTHER, *table.column_names[1:]]))


def _written(table: Any) -> bytes:
    buffer = BytesIO()
    pq.write_table(table, buffer)
    return buffer.getvalue()


def _emptied_text(good: Good) -> bytes:
    return b"".join(good.data.splitlines(keepends=True)[: good.contract.dialect.header_line])


def _emptied_document(good: Good) -> bytes:
    document = json.loads(good.data)
    _records(document, good.contract.dialect.records).clear()
    return json.dumps(document, ensure_ascii=False).encode()


def _emptied_sheet(good: Good) -> bytes:
    book, dialect = _values(good), good.contract.dialect
    page = book[dialect.sheet]
    first = dialect.header_line + dialect.header_rows
    page.delete_rows(first, page.max_row - first + 1)
    return _saved(book)


_RENAMED: dict[FileFormat, Callable[[Good, str], bytes]] = {
    FileFormat.CSV: _renamed_text,
    FileFormat.NDJSON: _renamed_lines,
    FileFormat.JSON: _renamed_document,
    FileFormat.XLSX: _renamed_sheet,
    FileFormat.PARQUET: _renamed_parquet,
}
_EMPTIED: dict[FileFormat, Callable[[Good], bytes]] = {
    FileFormat.CSV: _emptied_text,
    FileFormat.NDJSON: lambda good: b"",
    FileFormat.JSON: _emptied_document,
    FileFormat.XLSX: _emptied_sheet,
    FileFormat.PARQUET: lambda good: _written(pq.read_table(BytesIO(good.data)).slice(0, 0)),
}
