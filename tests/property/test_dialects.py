"""The bytes of a file come out as the text they state, or the file is refused: never as other text.

Here: encodings, quotes, delimiters and line ends over random text. Not here: casts (`test_casts`),
what a refusal says (`tests/bad_input`).
"""

from __future__ import annotations

import json
import tempfile
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import duckdb
import pytest
from hypothesis import assume, example, given
from hypothesis import strategies as st

from dagster_project.contracts.model import Column, Contract, FileFormat
from dagster_project.errors import DeliveryRefused
from dagster_project.pipeline import load_definition
from dagster_project.sources import delimited, json_lines
from dagster_project.sources.text import utf8_text

Records = list[tuple[str, str]]
EIGHT_BIT = ("iso-8859-1", "windows-1252")
ENCODINGS = (*EIGHT_BIT, "utf-8", "utf-8-sig")
LETTERS = "abcåäöÅÄÖ éüñ123-.,;\"'\n\t"


@pytest.fixture(scope="module")
def duck() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(config={"threads": 1}) as connection:
        yield connection


def contract(encoding: str, *, delimiter: str = ";", form: FileFormat = FileFormat.CSV) -> Contract:
    """Two columns of text."""
    sites = load_definition().catalogue.latest("reference/sites")
    dialect = replace(sites.dialect, encoding=encoding, delimiter=delimiter, format=form)
    columns = tuple(Column(name, name, "VARCHAR", "") for name in ("a", "b"))
    return replace(sites, dialect=dialect, columns=columns)


def written(records: Records, encoding: str, *, delimiter: str = ";", end: str = "\n") -> bytes:
    """A CSV file, quoted where needed (RFC 4180)."""
    lines = [("a", "b"), *records]
    text = "".join(delimiter.join(_field(f, delimiter) for f in line) + end for line in lines)
    return text.encode(encoding)


def _field(text: str, delimiter: str) -> str:
    needs_quotes = any(mark in text for mark in (delimiter, '"', "\r", "\n"))
    return '"' + text.replace('"', '""') + '"' if needs_quotes else text


def read(
    duck: duckdb.DuckDBPyConnection, data: bytes, stated: Contract
) -> list[tuple[str | None, ...]] | None:
    """The records as the product reads them; None where it refuses the file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "file"
        path.write_bytes(data)
        reader = json_lines if stated.dialect.format is FileFormat.NDJSON else delimited
        try:
            with utf8_text(path, stated, temp=Path(folder)) as text:
                relation = reader.relation(text, stated, 20170101)
                return duck.execute(f"select raw_0, raw_1 from {relation.sql}").fetchall()
        except (DeliveryRefused, duckdb.InvalidInputException, duckdb.ConversionException):
            return None


def nulls(records: Records) -> list[tuple[str | None, ...]]:
    """An empty field is a missing value."""
    return [tuple(value or None for value in record) for record in records]


def fields(encoding: str) -> st.SearchStrategy[str]:
    codec = encoding.removesuffix("-sig")
    return st.text(st.characters(codec=codec), max_size=8)


def texts(encoding: str) -> st.SearchStrategy[Records]:
    return st.lists(st.tuples(fields(encoding), fields(encoding)), min_size=1, max_size=4)


@pytest.mark.parametrize("encoding", ENCODINGS)
@given(data=st.data())
def test_any_text_comes_out_exactly_or_the_file_is_refused(
    duck: duckdb.DuckDBPyConnection, encoding: str, data: st.DataObject
) -> None:
    records = data.draw(texts(encoding))
    found = read(duck, written(records, encoding), contract(encoding))
    assert found is None or found == nulls(records)


finnish = st.text(st.sampled_from(LETTERS), max_size=12)


@pytest.mark.parametrize("encoding", ENCODINGS)
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
@pytest.mark.parametrize("delimiter", [";", ",", "\t"], ids=["semicolon", "comma", "tab"])
@given(records=st.lists(st.tuples(finnish, finnish), min_size=1, max_size=4))
@example(records=[("a;b", 'sano "hei"'), ("eka\ntoka", "å")])
@example(records=[('"', '""'), (" a ", "'")])
def test_finnish_text_with_quotes_and_delimiters_is_accepted_exactly(
    duck: duckdb.DuckDBPyConnection, encoding: str, end: str, delimiter: str, records: Records
) -> None:
    data = written(records, encoding, delimiter=delimiter, end=end)
    assert read(duck, data, contract(encoding, delimiter=delimiter)) == nulls(records)


beyond_ascii = st.text(st.sampled_from("åäöÅÄÖ€šŽ–"), min_size=1, max_size=6)


@pytest.mark.parametrize(
    ("sent", "stated"),
    [
        ("utf-8", "iso-8859-1"),
        ("utf-8", "windows-1252"),
        ("windows-1252", "iso-8859-1"),
        ("utf-8", "utf-8-sig"),
        ("utf-16", "utf-8"),
        ("utf-16", "iso-8859-1"),
    ],
)
@given(word=beyond_ascii)
def test_text_in_another_encoding_than_stated_is_refused_or_reads_the_same(
    duck: duckdb.DuckDBPyConnection, sent: str, stated: str, word: str
) -> None:
    found = read(duck, written([(word, "x")], sent), contract(stated))
    assert found is None or found == [(word, "x")]


@given(word=beyond_ascii)
def test_windows_text_under_a_latin_1_contract_is_refused_where_the_two_differ(
    duck: duckdb.DuckDBPyConnection, word: str
) -> None:
    assume(set(word) & set("€šŽ–"))
    assert read(duck, written([(word, "x")], "windows-1252"), contract("iso-8859-1")) is None


@pytest.mark.parametrize("stated", ["utf-8", "utf-8-sig"])
@given(word=beyond_ascii)
def test_windows_text_under_a_utf_8_contract_is_refused(
    duck: duckdb.DuckDBPyConnection, stated: str, word: str
) -> None:
    """But for the few words whose bytes happen to be UTF-8: no reader can tell those."""
    data = written([(word, "x")], "windows-1252")
    assume(not _is_utf8(data))
    assert read(duck, data, contract(stated)) is None


def _is_utf8(data: bytes) -> bool:
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


json_text = st.text(st.characters(codec="utf-8"), max_size=8)


@given(records=st.lists(st.tuples(json_text, json_text), min_size=1, max_size=4))
@example(records=[("eka\ntoka", "\u2028"), ('"', "\\")])
def test_any_json_text_comes_out_exactly_or_the_file_is_refused(
    duck: duckdb.DuckDBPyConnection, records: Records
) -> None:
    lines = "".join(json.dumps({"a": a, "b": b}, ensure_ascii=False) + "\n" for a, b in records)
    stated = contract("utf-8", form=FileFormat.NDJSON)
    found = read(duck, lines.encode(), stated)
    assert found is None or found == nulls(records)


@given(records=st.lists(st.tuples(json_text, json_text), min_size=1, max_size=4))
def test_escaped_json_text_comes_out_exactly(
    duck: duckdb.DuckDBPyConnection, records: Records
) -> None:
    assume(not any("\0" in value for record in records for value in record))
    lines = "".join(json.dumps({"a": a, "b": b}) + "\n" for a, b in records)
    assert read(duck, lines.encode(), contract("utf-8", form=FileFormat.NDJSON)) == nulls(records)
