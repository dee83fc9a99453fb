"""A contract proposed from files of a stranger: read whole, by the reader that deliveries have.

Here: the order of steps. Not here: any of them (`shapes`, `measures`, `proposal`, `contract_text`).
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

import duckdb

from dagster_project.contracts.model import Column, Delivery, DeliveryMode, Dialect, FileFormat
from dagster_project.errors import DeliveryRefused
from dagster_project.lake import gate
from dagster_project.lake.casts import cast
from dagster_project.lake.connection import Lake, open_scratch
from dagster_project.profiling import document_shapes
from dagster_project.profiling.delimited_shape import shape_of_delimited
from dagster_project.profiling.deliveries import Naming, mode_of, naming_of
from dagster_project.profiling.guesses import Guess, Kind
from dagster_project.profiling.headings import means
from dagster_project.profiling.measures import Measured, Records, measure
from dagster_project.profiling.proposal import (
    Proposal,
    ProposedColumn,
    propose,
    spans,
    with_rules,
)
from dagster_project.profiling.shapes import SEQUENCE, Shape, checked, format_of_bytes
from dagster_project.settings import Settings
from dagster_project.sources.readable import format_of, readable
from dagster_project.sources.text import MAX_LINE_BYTES

_TOTAL = re.compile(
    r"(kaikki )?yhteensä|yht\.?|summa|loppusumma|totalt?|grand total|sum|summa totalt", re.I
)
_STATED = {
    "BOOLEAN": Guess(Kind.BOOLEAN),
    "DATE": Guess(Kind.DATE, "%Y-%m-%d"),
    "TIMESTAMP": Guess(Kind.MOMENT, "%Y-%m-%d %H:%M:%S"),
    "VARCHAR": Guess(Kind.TEXT),
}


def scaffold(paths: Sequence[Path], *, source: str, table: str, settings: Settings) -> Proposal:
    """Propose a contract for deliveries of one table.

    Args:
        paths: Files, the newest last.
        source: Of the contract.
        table: Likewise.
        settings: How much of the machine may be used.

    Raises:
        DeliveryRefused: a file cannot be read as a table, or the files are not of one kind.
        SettingsError: memory or disk is full.
    """
    with open_scratch(settings) as lake:
        shape = _one_shape([shape_of(path, lake) for path in paths])
        with _prepared(paths, shape, lake) as texts:
            queries = [_query(shape, text) for text in texts]
            total = _total(texts[-1], shape)
            newest = _records(queries[-1], shape, total)
            records = replace(newest, sql=_together(queries))
            with _refused(shape, texts):
                proposal = _proposal(lake, records, newest, shape, paths, (source, table))
                _check_counts(lake, shape, texts, queries, proposal.row_count)
                return proposal


def shape_of(path: Path, lake: Lake) -> Shape:
    """How a file is written.

    Raises:
        DeliveryRefused: it is no table.
    """
    form = format_of_bytes(path)
    if form is FileFormat.NDJSON and document_shapes.is_one_document(path):
        form = FileFormat.JSON
    match form:
        case FileFormat.CSV:
            shape = shape_of_delimited(path)
        case FileFormat.NDJSON:
            shape = document_shapes.shape_of_lines(path, lake)
        case FileFormat.JSON:
            shape = document_shapes.shape_of_document(path, lake)
        case FileFormat.XLSX:
            shape = document_shapes.shape_of_workbook(path)
        case FileFormat.PARQUET:
            shape = document_shapes.shape_of_parquet(path)
    return checked(shape)


def _one_shape(shapes: Sequence[Shape]) -> Shape:
    newest = shapes[-1]
    for shape in shapes:
        if shape.fields != newest.fields or shape.dialect != newest.dialect:
            raise DeliveryRefused(
                "file.header",
                "the files differ in dialect or headings; scaffold one of them,"
                " and the others as a table or a version of their own",
            )
    return newest


@contextmanager
def _prepared(paths: Sequence[Path], shape: Shape, lake: Lake) -> Iterator[list[Path]]:
    contract = shape.contract()
    with ExitStack() as stack:
        yield [
            stack.enter_context(
                readable(path, contract, sequence=SEQUENCE, temp=lake.settings.home)
            )
            for path in paths
        ]


def _query(shape: Shape, text: Path) -> str:
    contract = shape.contract()
    return format_of(contract).relation(text, contract, SEQUENCE).sql


def _together(queries: Sequence[str]) -> str:
    if len(queries) == 1:
        return queries[0]
    return "(" + " union all ".join(f"select * from {query} as one" for query in queries) + ")"


def _records(sql: str, shape: Shape, total: tuple[int, str] | None) -> Records:
    is_json = shape.dialect.format in (FileFormat.JSON, FileFormat.NDJSON)
    is_parquet = shape.dialect.format is FileFormat.PARQUET
    return Records(
        sql,
        tuple(f.source_name for f in shape.fields),
        shape.dialect,
        tuple(_stated(f.allowed, is_parquet=is_parquet) for f in shape.fields),
        has_numbers=is_json or is_parquet,
        total=total,
    )


def _stated(allowed: tuple[str, ...], *, is_parquet: bool) -> Guess | None:
    """What the format says of a column: Parquet everything, JSON what is true or false."""
    if len(allowed) != 1 or not (is_parquet or allowed == ("BOOLEAN",)):
        return None
    return _STATED.get(allowed[0], Guess(Kind.NUMBER, "."))


def _total(text: Path, shape: Shape) -> tuple[int, str] | None:
    """Column and word of a row of totals at the end of a table."""
    if shape.dialect.format is not FileFormat.CSV:
        return None
    with text.open("rb") as file:
        size = file.seek(0, 2)
        file.seek(max(0, size - MAX_LINE_BYTES))
        lines = file.read().decode("utf-8", errors="replace").splitlines()
    last = next((line for line in reversed(lines) if line.strip()), "")
    dialect = shape.dialect
    csv.field_size_limit(MAX_LINE_BYTES * 2)
    try:
        fields = next(csv.reader([last], delimiter=dialect.delimiter, quotechar=dialect.quote), [])
    except csv.Error:
        return None
    for place, value in enumerate(fields[: len(shape.fields)]):
        if value.strip():
            return (place, value) if _TOTAL.fullmatch(value.strip()) else None
    return None


def _check_counts(
    lake: Lake, shape: Shape, texts: Sequence[Path], queries: Sequence[str], counted: int
) -> None:
    """See that the reader sees every record; see `formats.Format.check_count`."""
    contract = shape.contract()
    for text, query in zip(texts, queries, strict=True):
        is_one = len(texts) == 1
        count = counted if is_one else lake.count(f"select count(*) from {query} as one")
        format_of(contract).check_count(text, contract, count)


@contextmanager
def _refused(shape: Shape, texts: Sequence[Path]) -> Iterator[None]:
    """Whatever the engine says of a file, in words of ours and without its values."""
    try:
        yield
    except duckdb.Error as error:
        found = [gate.failure(error, shape.contract(), t, "reading the file") for t in texts]
        known = [e for e in found if getattr(e, "rule_id", "file.structure") != "file.structure"]
        raise (known or found)[0] from None


def _proposal(
    lake: Lake,
    records: Records,
    newest: Records,
    shape: Shape,
    paths: Sequence[Path],
    names: tuple[str, str],
) -> Proposal:
    measured = measure(lake, records)
    naming = naming_of(paths)
    dialect, columns, key = propose(lake, records, shape, measured, newest=newest)
    last_date = _last_date(naming)
    columns = with_rules(
        columns,
        measured,
        last_date=last_date,
        total=records.total,
        broken_spans=_broken_spans(lake, records, dialect, columns),
    )
    updated = next((c.name for c in columns if _is_update_time(c)), None)
    mode, mode_note = mode_of(paths, has_update_time=updated is not None)
    notes = [*shape.notes, *_notes(measured, records, shape)]
    return Proposal(
        source=names[0],
        table=names[1],
        dialect=dialect,
        notes=tuple(notes),
        columns=columns,
        naming=naming,
        mode=mode,
        mode_note=mode_note,
        final_newline=shape.final_newline,
        updated_at_column=updated,
        row_count=measured.row_count + measured.total_rows,
        has_zone=dialect.timestamp_format.endswith("Z"),
        key=key,
    )


def _notes(measured: Measured, records: Records, shape: Shape) -> list[str]:
    notes = []
    if measured.missing:
        notes.append("Some values say that there is none: nullValues lists how they are spelled.")
    if records.total is not None:
        place, word = records.total
        heading = shape.fields[place].source_name
        notes.append(
            f"The last row is a total ('{word}' under '{heading}'; {measured.total_rows} such row):"
            " it is quarantined in each delivery."
        )
    return notes


def _last_date(naming: Naming) -> date | None:
    if naming.sequence is None:
        return None
    delivery = Delivery(DeliveryMode.INCREMENT, re.compile(naming.pattern), naming.step)
    return delivery.last_date(naming.sequence)


def _is_update_time(column: ProposedColumn) -> bool:
    is_moment = column.sql_type == "TIMESTAMP" and column.is_required
    return is_moment and column.reaches_lake and means(column.heading, "update")


def _broken_spans(
    lake: Lake, records: Records, dialect: Dialect, columns: Sequence[ProposedColumn]
) -> dict[int, int]:
    """Rows in which an end precedes its start, by the end's place."""
    pairs = spans(columns)
    if not pairs:
        return {}
    terms = ", ".join(
        f"count(*) filter ({_cast(end, columns, dialect)} < {_cast(start, columns, dialect)})"
        for end, start in pairs.items()
    )
    (row,) = lake.rows(f"select {terms} from {records.without_totals}")
    return dict(zip(pairs, map(int, row), strict=True))


def _cast(place: int, columns: Sequence[ProposedColumn], dialect: Dialect) -> str:
    return cast(f"raw_{place}", Column("v", "v", columns[place].sql_type, ""), dialect)
