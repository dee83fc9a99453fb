"""A file that breaks its contract as a whole is refused, by rule and line, and changes nothing.

Here: what is wrong inside a file. Not here: single bad records (`test_quarantined_records`), names
and places of files (`test_landing_folder`), sequences (`test_sequences`).
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from dagster_project import pipeline
from dagster_project.pipeline import Session
from tests.support.homes import new_home, silent
from tests.support.leaks import leaked, register_text
from tests.support.raw_files import (
    CODES,
    CSV_FORMS,
    ENCOUNTERS,
    ENROLMENTS,
    FORMS,
    POPULATION,
    RESIDENTS,
    Form,
    Spoil,
    insert,
    line,
    on_line,
    recoded,
    swap,
)

BOM = codecs.BOM_UTF8
HUGE = b"x" * 5_000_000
"""Longer than a line may be."""
BEYOND_THE_BUFFER = b"x" * 20_000_000
"""Longer than what the reader holds at a time, which it would drop without a word."""


@dataclass(frozen=True)
class Case:
    """A bad file, and how it is to be refused."""

    form: Form
    what: str
    data: bytes
    rule_id: str
    line: int | None
    column: str | None = None

    @property
    def id(self) -> str:
        """Table and fault, for the report of the tests."""
        return f"{self.form.key}: {self.what}"

    @property
    def where(self) -> str:
        """How the message ends."""
        line = f", line {self.line}" if self.line else ""
        column = f", column {self.column}" if self.column else ""
        return line + column


def rewritten(form: Form, change: Callable[[list[str]], list[str]]) -> bytes:
    """The file with every record changed, header included, preamble kept."""
    dialect = form.contract.dialect
    lines = form.text.splitlines(keepends=True)
    preamble, body = lines[: dialect.header_line - 1], lines[dialect.header_line - 1 :]
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter=dialect.delimiter, lineterminator="\n").writerows(
        change(record) for record in csv.reader(body, delimiter=dialect.delimiter)
    )
    return ("".join(preamble) + buffer.getvalue()).encode(form.encoding)


def header_of(form: Form) -> list[str]:
    return [c.source_name.replace("{sequence}", "2018") for c in form.contract.columns]


def first_of(form: Form) -> int:
    """Line of the first record."""
    return form.header_line + 1


def encodings() -> Iterator[Case]:
    rule = "file.encoding"
    for form in FORMS:
        yield Case(form, "UTF-16", recoded(form, "utf-16"), rule, 1)
    for form in (RESIDENTS, POPULATION):
        utf_8 = recoded(form, "utf-8")
        first_control = re.search(rb"[\x80-\x9f]", utf_8.split(b"\n")[0])
        where = str(first_control.start() + 1) if first_control else None
        yield Case(form, "UTF-8 where Latin-1 is due", utf_8, rule, 1, where)
        cp1252 = on_line(5, lambda row: row + b"\x80")(form.data)
        place = str(len(line(form, 5).rstrip(b"\r\n")) + 1)
        yield Case(form, "a byte of Windows-1252 in Latin-1", cp1252, rule, 5, place)
    for form in (RESIDENTS, POPULATION, ENROLMENTS):
        yield Case(form, "a byte order mark that is not due", BOM + form.data, rule, 1)
    whole = recoded(ENCOUNTERS, "iso-8859-1")
    yield Case(ENCOUNTERS, "Latin-1 where UTF-8 is due", whole, rule, 1)
    yield Case(ENCOUNTERS, "no byte order mark", recoded(ENCOUNTERS, "utf-8"), rule, 1)
    for form, where in ((ENCOUNTERS, "S1"), (ENROLMENTS, '"S1"')):
        latin = on_line(4, swap(where, where.replace("S", "Ä").encode("iso-8859-1")))(form.data)
        yield Case(form, "a byte of Latin-1 in UTF-8", latin, rule, 4)
        cut = on_line(3, swap("web" if form is ENROLMENTS else "T11", b"\xe2\x82"))(form.data)
        yield Case(form, "a character cut in two", cut, rule, 3)
        surrogate = on_line(3, swap("S1", b"\xed\xa0\x80"))(form.data)
        yield Case(form, "a surrogate as UTF-8", surrogate, rule, 3)
    utf16 = recoded(RESIDENTS, "utf-16-le")
    yield Case(RESIDENTS, "UTF-16 without a mark", utf16, "file.nul", 1)


def headers() -> Iterator[Case]:
    rule = "file.header"
    for form in CSV_FORMS:
        at, names = form.header_line, header_of(form)
        other = form.text.replace(form.contract.dialect.delimiter, "\t").encode(form.encoding)
        yield Case(form, "another delimiter", other, rule, at, names[0])
        without = rewritten(form, lambda r: [r[0], *r[2:]] if len(r) > 1 else r)
        yield Case(form, "a column is missing", without, rule, at, names[1])
        surplus = rewritten(form, lambda r: [*r, "Muu"])
        yield Case(form, "a column too many", surplus, rule, at)
        turned = rewritten(form, lambda r: [r[1], r[0], *r[2:]])
        yield Case(form, "columns in another order", turned, rule, at, names[0])
        twice = rewritten(form, lambda r: [*r, r[-1]])
        yield Case(form, "a column twice", twice, rule, at)
        renamed = on_line(at, swap(names[0], "Nimi", encoding="iso-8859-1"))(form.data)
        yield Case(form, "a column renamed", renamed, rule, at, names[0])
        lower = on_line(at, swap(names[0], names[0].lower(), encoding=body_encoding(form)))
        yield Case(form, "a heading in lower case", lower(form.data), rule, at, names[0])
        headless = b"".join(form.data.splitlines(keepends=True)[at:])
        if form is not ENCOUNTERS:  # whose mark would go with the header
            yield Case(form, "no header", headless, rule, at, names[0])
        above = insert(b"Raportti\n", before_line=at)(form.data)
        if form is not ENCOUNTERS:
            yield Case(form, "a line above the header", above, rule, at, names[0])
    yield Case(ENCOUNTERS, "two byte order marks", BOM + ENCOUNTERS.data, rule, 1, names_first())
    open_quote = on_line(1, lambda row: row.replace(b"Kotikunta", b'"Kotikunta'))(RESIDENTS.data)
    yield Case(RESIDENTS, "a quote left open in the header", open_quote, rule, 1, "Kotikunta")
    lone = on_line(1, lambda row: row.replace(b"Kotikunta", b"Koti\rkunta"))(RESIDENTS.data)
    yield Case(RESIDENTS, "a carriage return in the header", lone, rule, 1)
    preamble = b"".join(POPULATION.data.splitlines(keepends=True)[:2])
    yield Case(POPULATION, "cut off above the header", preamble, rule, 3)


def body_encoding(form: Form) -> str:
    return "utf-8" if form.encoding.startswith("utf-8") else form.encoding


def names_first() -> str:
    return header_of(ENCOUNTERS)[0]


def add(suffix: bytes) -> Spoil:
    """Lengthen a line."""
    return lambda row: row + suffix


def without_last(delimiter: bytes) -> Spoil:
    """Leave the last field of a line out."""
    return lambda row: row.rsplit(delimiter, 1)[0]


def first_field(new: bytes, delimiter: bytes) -> Spoil:
    """Put other bytes in the place of a line's first field."""
    return lambda row: new + row[row.index(delimiter) :]


def unclosed(row: bytes) -> bytes:
    return b'"' + row.replace(b'"', b"")


def structures() -> Iterator[Case]:
    for form in CSV_FORMS:
        delimiter = form.contract.dialect.delimiter.encode()
        late = first_of(form) + 3
        for what, spoil, rule in (
            ("a field too many", add(delimiter + b"x"), "file.columns"),
            ("an empty field too many", add(delimiter), "file.columns"),
            ("an empty field in quotes too many", add(delimiter + b'""'), "file.columns"),
            ("many empty fields too many", add(delimiter * 3), "file.columns"),
            ("a field too few", without_last(delimiter), "file.columns"),
            ("nothing but a blank", lambda row: b" ", "file.columns"),
            ("a quote that is never closed", unclosed, "file.quote"),
            ("text after a closing quote", first_field(b'"a"b', delimiter), "file.quote"),
        ):
            yield Case(form, f"{what} in a line", on_line(late, spoil)(form.data), rule, late)
        quoted = on_line(first_of(form), first_field(b'"a\nb"', delimiter))(form.data)
        few = on_line(late + 1, without_last(delimiter))(quoted)
        what = "a field too few after a line break in quotes"
        yield Case(form, what, few, "file.columns", late + 1)
        yield Case(form, "an empty file", b"", "file.empty", 1)
    cut = b"".join(RESIDENTS.data.splitlines(keepends=True)[:4]) + b'"a\n'
    yield Case(RESIDENTS, "cut off within quotes", cut, "file.quote", 5)


def ends_of_files() -> Iterator[Case]:
    for form in FORMS:
        last = form.header_line + form.record_count
        yield Case(form, "cut off within a line", form.data[:-9], "file.truncated", last)
        unended = form.data.rstrip(b"\r\n")
        yield Case(form, "no line end at the end", unended, "file.truncated", last)
        nul = on_line(5, lambda row: row[:6] + b"\0" + row[6:])(form.data)
        yield Case(form, "a NUL byte", nul, "file.nul", 5)
        carriage = form.data.replace(b"\r\n", b"\n").replace(b"\n", b"\r")
        yield Case(form, "lines that end in carriage returns", carriage, "file.truncated", 1)


def long_lines() -> Iterator[Case]:
    rule = "file.line_size"
    for form, at in ((RESIDENTS, "091"), (ENCOUNTERS, "S1"), (POPULATION, "Askola")):
        spoilt = on_line(5, swap(at, HUGE))(form.data)
        yield Case(form, "a line of 5 MB", spoilt, rule, 5)
        lines = b'"' + b"\n".join([b"x" * 999] * 5_000) + b'"'
        folded = on_line(5, swap(f'"{at}"' if form is POPULATION else at, lines))(form.data)
        yield Case(form, "a record of 5 MB in short lines", folded, "file.quote", 5)
    yield Case(ENROLMENTS, "a line of 5 MB", on_line(5, swap("S1", HUGE))(ENROLMENTS.data), rule, 5)
    swallowed = on_line(6, swap("S1", BEYOND_THE_BUFFER))(ENROLMENTS.data)
    yield Case(ENROLMENTS, "a last line of 20 MB", swallowed, rule, 6)


def line_ends() -> Iterator[Case]:
    rule = "file.line_ends"
    for form in FORMS:
        is_crlf = form is POPULATION
        due, other = (b"\r\n", b"\n") if is_crlf else (b"\n", b"\r\n")
        at = form.header_line + 4
        lines = form.data.split(due)
        mixed = due.join(lines[:at]) + other + due.join(lines[at:])
        yield Case(form, "one line ends otherwise", mixed, rule, at)
        if form.header_line:
            first = due.join(lines[: form.header_line]) + due
            rest = other.join(lines[form.header_line :])
            yield Case(
                form, "all but the header end otherwise", first + rest, rule, form.header_line + 1
            )
    lone = on_line(4, lambda row: row.replace(b"091", b"09\r1"))(RESIDENTS.data)
    yield Case(RESIDENTS, "a carriage return in a field without quotes", lone, rule, 4)


def contents() -> Iterator[Case]:
    for form in CSV_FORMS:
        lines = form.data.splitlines(keepends=True)
        headed = b"".join(lines[: form.header_line])
        yield Case(form, "header only", headed, "dataset.minimum_rows", None)
    share = "dataset.quarantined_share"
    points = ENCOUNTERS.data.replace(b"12,5", b"12.5")
    yield Case(ENCOUNTERS, "decimal points throughout", points, share, None)
    iso = RESIDENTS.data.replace(b".1.1950", b"-1950-01-01")
    yield Case(RESIDENTS, "other dates throughout", iso, share, None)
    halves = insert(line(RESIDENTS, 2) * 2, before_line=3)(RESIDENTS.data)
    halves = halves.replace(b";1.1.1950;", b";1.1.1066;")
    yield Case(RESIDENTS, "too many bad records", halves, share, None)
    for what, count in {  # a published table is right as a whole
        "a fraction": "1.5",
        "an exponent": "1e3",
        "a thousands separator": '"1,000"',
        "a blank as thousands separator": "1 000",
        "more than 64 bits": "9223372036854775808",
        "a negative count": "-1",
        "no count": "",
    }.items():
        spoilt = on_line(10, swap("1,1", f"1,{count}"))(POPULATION.data)
        yield Case(POPULATION, what, spoilt, share, None)


CASES = tuple(
    case
    for table in (encodings, headers, structures, ends_of_files, long_lines, line_ends, contents)
    for case in table()
)


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    """A lake with a sound delivery of each form."""
    with new_home(tmp_path_factory.mktemp("refused")) as opened:
        for form in FORMS:
            form.land(opened.lake.settings.landing, form.first_sequence)
        assert not pipeline.ingest(opened, report=silent).refusals
        yield opened


def standing(session: Session) -> list[int]:
    """Rows of the forms' tables, entries of the register, protection orders: what may not move."""
    tables = [f"lake.staging.{form.contract.table}" for form in FORMS]
    kept = (*tables, "lake.ops.delivery", "lake.ops.quarantine", "vault.protection")
    counts = ", ".join(f"(select count(*) from {table})" for table in kept)
    return list(session.lake.rows(f"select {counts}")[0])


@pytest.mark.parametrize(
    ("number", "case"), list(enumerate(CASES)), ids=[case.id for case in CASES]
)
def test_a_bad_file_is_refused_whole_by_rule_and_line(
    session: Session, number: int, case: Case
) -> None:
    sequence = case.form.sequence(number + 10)
    data = case.form.dated(sequence, case.data)
    path = case.form.land(session.lake.settings.landing, sequence, data)
    before = standing(session)
    said: list[str] = []

    ingested = pipeline.ingest(session, report=said.append)

    assert path.read_bytes() == data
    path.unlink()
    assert ingested.outcomes == ()
    (refusal,) = ingested.refusals
    assert refusal.label == f"{case.form.key} {sequence}"
    assert noted(session, case.form, sequence) == [(case.rule_id, case.line, case.column)]
    assert refusal.message.endswith(f"[rule {case.rule_id}{case.where}]")
    assert leaked([refusal.message, *said], data, case.form.contract) == set()
    assert standing(session) == before


def noted(session: Session, form: Form, sequence: int) -> list[tuple[str, int | None, str | None]]:
    """What the register says of refusals of a sequence: rule, line, column."""
    return session.lake.rows(
        "select rule_id, line_number, column_name from ops.refusal"
        " where source || '/' || table_name = ? and delivery_sequence = ?",
        [form.key, sequence],
    )


def test_after_all_refusals_the_next_good_delivery_is_taken_in(session: Session) -> None:
    for form in FORMS:
        form.land(session.lake.settings.landing, form.sequence(1))

    ingested = pipeline.ingest(session, report=silent)

    assert not ingested.refusals
    accepted = {o.label.split()[0]: o.verdict.accepted for o in ingested.outcomes if o.verdict}
    assert accepted == {form.key: form.record_count for form in FORMS}


def test_a_good_file_in_place_of_a_refused_one_is_taken_in(session: Session) -> None:
    sequence = RESIDENTS.sequence(2)
    path = RESIDENTS.land(session.lake.settings.landing, sequence, b"")
    assert len(pipeline.ingest(session, report=silent).refusals) == 1

    path.write_bytes(RESIDENTS.data)
    ingested = pipeline.ingest(session, report=silent)

    assert [o.label for o in ingested.outcomes] == [f"{RESIDENTS.key} {sequence}"]
    assert not ingested.refusals


def test_a_refused_delivery_puts_nobody_under_a_protection_order(session: Session) -> None:
    """An extract whose columns slipped would else hide whole towns, and orders are only added."""
    orders = RESIDENTS.data.replace(b"15.2.2016;0", b"15.2.2016;1").replace(b";1;fi;", b";3;fi;")
    before = standing(session)
    path = RESIDENTS.land(session.lake.settings.landing, RESIDENTS.sequence(3), orders)

    ingested = pipeline.ingest(session, report=silent)

    path.unlink()
    assert ["dataset.quarantined_share" in r.message for r in ingested.refusals] == [True]
    assert standing(session) == before


def test_the_register_holds_no_identity_code(session: Session) -> None:
    register = register_text(session.lake)
    assert register
    assert [code for code in CODES if code in register] == []
