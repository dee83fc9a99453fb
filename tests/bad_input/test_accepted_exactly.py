"""What looks odd and is right is taken in, character by character.

Here: quotes, line ends, blanks, empty lines and escapes that the dialect allows. Not here: what it
does not allow (`test_refused_files`).
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from dagster_project import pipeline
from dagster_project.pipeline import Session
from tests.support.homes import new_home, silent
from tests.support.raw_files import (
    CODES,
    CSV_FORMS,
    ENCOUNTERS,
    ENROLMENTS,
    FORMS,
    POPULATION,
    RESIDENTS,
    Form,
    clear,
    insert,
    on_line,
    swap,
)

RECORD = 3
TEXT_COLUMN = {ENCOUNTERS: "site_id", POPULATION: "area_name", ENROLMENTS: "site_id"}
TEXT = {ENCOUNTERS: "S1", POPULATION: '"Askola"', ENROLMENTS: '"S1"'}


@dataclass(frozen=True)
class Value:
    """A text as it is written in a file, and what it says."""

    form: Form
    what: str
    written: str
    meant: str

    @property
    def id(self) -> str:
        """Table and kind, for the report of the tests."""
        return f"{self.form.key}: {self.what}"


def values() -> Iterator[Value]:
    for form in (ENCOUNTERS, POPULATION):
        delimiter = form.contract.dialect.delimiter
        for what, written, meant in (
            ("a delimiter in quotes", f'"A{delimiter}B"', f"A{delimiter}B"),
            ("a delimiter at the end in quotes", f'"A{delimiter}"', f"A{delimiter}"),
            ("a quote in quotes", '"A ""B"" C"', 'A "B" C'),
            ("nothing but a quote", '""""', '"'),
            ("a line break in quotes", '"A\nB"', "A\nB"),
            ("a Windows line break in quotes", '"A\r\nB"', "A\r\nB"),
            ("a carriage return in quotes", '"A\rB"', "A\rB"),
            ("an empty line in quotes", '"A\n\nB"', "A\n\nB"),
            ("a line break before a delimiter in quotes", f'"A{delimiter}\n"', f"A{delimiter}\n"),
            ("a quote within a word", 'A"B', 'A"B'),
            ("blanks around", " A ", " A "),
            ("a backslash", "A\\", "A\\"),
            ("a number sign", "#A", "#A"),
            ("a word of other programs for nothing", "NULL", "NULL"),
            ("an injection", '"\'; drop table sites; --"', "'; drop table sites; --"),
            ("a long text", "A" * 900_000, "A" * 900_000),
            ("letters of Latin-1", "Åäö ÿ é", "Åäö ÿ é"),
        ):
            yield Value(form, what, written, meant)
    yield Value(ENCOUNTERS, "letters beyond Latin-1", "Ž € 漢 😀", "Ž € 漢 😀")
    for what, written, meant in (
        ("escapes", '"A\\n\\"\\\\\\/\\u00e4"', 'A\n"\\/ä'),
        ("a pair of surrogates", '"\\ud83d\\ude00"', "😀"),
        ("blanks around", '" A "', " A "),
        ("a delimiter", '"A;B,C"', "A;B,C"),
        ("a separator of other programs", '"A\u2028B"', "A\u2028B"),
        ("a word for nothing", '"null"', "null"),
    ):
        yield Value(ENROLMENTS, what, written, meant)


VALUES = tuple(values())


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with new_home(tmp_path_factory.mktemp("accepted")) as opened:
        yield opened


@pytest.fixture
def session(shared: Session) -> Iterator[Session]:
    """The shared lake, with landing left empty."""
    yield shared
    clear(shared.lake.settings.landing)


@pytest.mark.parametrize(("number", "value"), list(enumerate(VALUES)), ids=[v.id for v in VALUES])
def test_a_text_is_taken_in_as_it_was_meant(session: Session, number: int, value: Value) -> None:
    form = value.form
    sequence = form.sequence(number)
    spoil = swap(TEXT[form], value.written.encode(form.encoding.removesuffix("-sig")))
    data = on_line(form.header_line + RECORD, spoil)(form.data)
    form.land(session.lake.settings.landing, sequence, form.dated(sequence, data))

    ingested = pipeline.ingest(session, report=silent)

    assert ingested.refusals == ()
    found = session.lake.rows(
        f"select record_number, {TEXT_COLUMN[form]} from staging.{form.contract.table}"
        f" where delivery_sequence = {sequence} order by record_number"
    )
    plain = TEXT[form].strip('"')
    due = [(n, value.meant if n == RECORD else plain) for n in range(1, form.record_count + 1)]
    assert found == due


def lower(data: bytes) -> bytes:
    return data.replace(CODES[2].encode(), CODES[2].lower().encode())


def quoted(form: Form) -> bytes:
    dialect = form.contract.dialect
    lines = form.text.splitlines(keepends=True)
    buffer = io.StringIO(newline="")
    writer = csv.writer(
        buffer, delimiter=dialect.delimiter, lineterminator="\n", quoting=csv.QUOTE_ALL
    )
    writer.writerows(csv.reader(lines[dialect.header_line - 1 :], delimiter=dialect.delimiter))
    preamble = "".join(lines[: dialect.header_line - 1]).replace("\r\n", "\n")
    return (preamble + buffer.getvalue()).encode(form.encoding)


def same_content() -> Iterator[tuple[str, Form, bytes]]:
    """Files that say the same as the sound one."""
    for form in FORMS:
        unix = form.data.replace(b"\r\n", b"\n")
        yield "lines that end in LF", form, unix
        yield "lines that end in CRLF", form, unix.replace(b"\n", b"\r\n")
    for form in CSV_FORMS:
        end = b"\r\n" if form is POPULATION else b"\n"
        first = form.header_line + 1
        yield "an empty line in the middle", form, insert(end, before_line=first + 3)(form.data)
        yield "an empty line after the header", form, insert(end, before_line=first)(form.data)
        yield "empty lines at the end", form, form.data + end * 3
        yield "every field in quotes", form, quoted(form)
    for form in (RESIDENTS, ENCOUNTERS):
        blanks = form.data.replace(CODES[2].encode(), b" " + CODES[2].encode() + b" ")
        yield "blanks around an identity code", form, blanks
        yield "an identity code in lower case", form, lower(form.data)
    yield "fields in another order", ENROLMENTS, on_line(2, turned)(ENROLMENTS.data)
    yield (
        "an optional field left out",
        ENROLMENTS,
        ENROLMENTS.data.replace(b' "endDate": null,', b""),
    )
    yield "blanks between fields", ENROLMENTS, ENROLMENTS.data.replace(b", ", b" ,   ")


def turned(row: bytes) -> bytes:
    fields = row.strip(b"{}").split(b", ")
    return b"{" + b", ".join(reversed(fields)) + b"}"


SAME = tuple(same_content())


@pytest.mark.parametrize(
    ("number", "form", "data"),
    [(n, form, data) for n, (_, form, data) in enumerate(SAME)],
    ids=[f"{form.key}: {what}" for what, form, _ in SAME],
)
def test_a_file_that_says_the_same_gives_the_same_rows(
    session: Session, number: int, form: Form, data: bytes
) -> None:
    landing = session.lake.settings.landing
    sound, other = form.sequence(100 + 2 * number), form.sequence(101 + 2 * number)
    form.land(landing, sound)
    form.land(landing, other, form.dated(other, data))

    ingested = pipeline.ingest(session, report=silent)

    assert ingested.refusals == ()
    rows = [
        session.lake.rows(
            f"select * exclude (delivery_sequence) from staging.{form.contract.table}"
            f" where delivery_sequence = {sequence} order by record_number"
        )
        for sequence in (sound, other)
    ]
    assert len(rows[0]) == form.record_count
    assert rows[1] == rows[0]


def test_a_month_without_choices_is_a_file_without_lines(session: Session) -> None:
    """So the contract says; and the next month has no gap before it."""
    sequence = ENROLMENTS.sequence(300)
    ENROLMENTS.land(session.lake.settings.landing, sequence, b"")

    ingested = pipeline.ingest(session, report=silent)

    assert ingested.refusals == ()
    assert [o.verdict.received for o in ingested.outcomes if o.verdict] == [0]


@pytest.mark.parametrize("form", [ENCOUNTERS, POPULATION], ids=lambda form: form.key)
def test_line_breaks_in_quotes_are_read_alike_wherever_the_readers_buffers_end(
    session: Session, form: Form
) -> None:
    """A file of many buffers, read by several threads, keeps its records, numbers and order."""
    dialect = form.contract.dialect
    head = form.text.splitlines(keepends=True)[: form.header_line]
    row = form.text.splitlines()[form.header_line]
    end = "\r\n" if form is POPULATION else "\n"
    texts = [f'A{dialect.delimiter}{n}\n{n % 97 * "b"}\r\n\n""{n}' for n in range(120_000)]
    rows = [
        row.replace(TEXT[form], f'"{text}"').replace("1;", f"{n};", 1) if form is ENCOUNTERS
        else f'"{text}",{n % 100},1,1'
        for n, text in enumerate(texts, start=1)
    ]  # fmt: skip
    sequence = form.sequence(250)
    data = ("".join(head) + end.join(rows) + end).encode(form.encoding)
    assert len(data) > 3 * 2 * 1024 * 1024
    form.land(session.lake.settings.landing, sequence, form.dated(sequence, data))

    ingested = pipeline.ingest(session, report=silent)

    assert ingested.refusals == ()
    found = session.lake.rows(
        f"select {TEXT_COLUMN[form]} from staging.{form.contract.table}"
        f" where delivery_sequence = {sequence} order by record_number"
    )
    assert [text for (text,) in found] == [text.replace('""', '"') for text in texts]
