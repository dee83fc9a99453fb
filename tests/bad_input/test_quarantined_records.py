"""One bad record is left out by rule and number; every other record of the file is taken in.

Here: values and lines that break a rule of the contract. Not here: files that break it as a whole
(`test_refused_files`); Statistics Finland's table is one, whose contract suffers no bad record.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from dagster_project import pipeline
from dagster_project.pipeline import Session
from dagster_project.vault.as_sent import show_record
from tests.support.homes import new_home, silent
from tests.support.leaks import leaked, register_text
from tests.support.raw_files import (
    CODES,
    ENCOUNTERS,
    ENROLMENTS,
    FORMS,
    RESIDENTS,
    Form,
    Spoil,
    insert,
    on_line,
    swap,
)

BROKEN = "row.broken"
RECORD = 3
"""The record that is spoiled, of six."""


@dataclass(frozen=True)
class Case:
    """A file with one bad record, and the rules that it breaks."""

    form: Form
    what: str
    data: bytes
    rule_ids: tuple[str, ...]
    record_number: int = RECORD

    @property
    def id(self) -> str:
        """Table and fault, for the report of the tests."""
        return f"{self.form.key}: {self.what}"


def spoilt(form: Form, what: str, spoil: Spoil, *rule_ids: str) -> Case:
    return Case(form, what, on_line(form.header_line + RECORD, spoil)(form.data), rule_ids)


def residents() -> Iterator[Case]:
    for what, day, rule_id in (
        ("29 February of a common year", "29.2.2015", "birth_date.type"),
        ("31 April", "31.4.1950", "birth_date.type"),
        ("day 0", "0.4.1950", "birth_date.type"),
        ("month 13", "1.13.1950", "birth_date.type"),
        ("an ISO date", "1950-01-03", "birth_date.type"),
        ("an American date", "01/03/1950", "birth_date.type"),
        ("a year of two digits", "3.1.50", "birth_date.type"),
        ("a year of five digits", "3.1.01950", "birth_date.type"),
        ("a date with a time", "3.1.1950 00:00", "birth_date.type"),
        ("a blank before a date", " 3.1.1950", "birth_date.type"),
        ("a blank after a date", "3.1.1950 ", "birth_date.type"),
        ("a line break after a date", '"3.1.1950\n"', "birth_date.type"),
        ("infinity as a date", "infinity", "birth_date.type"),
        ("epoch as a date", "epoch", "birth_date.type"),
        ("no date of birth", "", "birth_date.required"),
        ("a birth in 1066", "3.1.1066", "birth_date.minimum"),
        ("a birth in 2066", "3.1.2066", "birth_date.not_after_delivery"),
    ):
        yield spoilt(RESIDENTS, what, swap("3.1.1950", day), rule_id)
    person = CODES[RECORD - 1]
    checked = "0" if person[-1] != "0" else "1"
    for what, code, rule_id in (
        ("a wrong check character", person[:-1] + checked, "person_id.identity_code"),
        ("a code of a day that is none", "310250-9002", "person_id.identity_code"),
        ("a code without century mark", person[:6] + person[7:], "person_id.identity_code"),
        ("a name in place of a code", "Nimi Niminen", "person_id.identity_code"),
        ("no code", "", "person_id.required"),
    ):
        yield spoilt(RESIDENTS, what, swap(person, code), rule_id)
    former = swap(f"{person};", f"{person};{person[:-1]}{checked}")
    yield spoilt(RESIDENTS, "a wrong former code", former, "previous_person_id.identity_code")
    for what, old, new, rule_id in (
        ("a municipality of two digits", ";091;", ";18;", "municipality_code.pattern"),
        ("a blank before a code", ";091;", "; 091;", "municipality_code.pattern"),
        ("a blank after a code", ";091;", ";091 ;", "municipality_code.pattern"),
        ("a line break after a code", ";091;", ';"091\n";', "municipality_code.pattern"),
        ("a sex that is none", ";1;fi", ";3;fi", "sex_code.valid_values"),
        ("a language in capitals", ";fi;", ";FI;", "language_code.pattern"),
        ("a death before birth", ";;15.2", ";1.1.1950;15.2", "death_date.not_before_birth"),
        ("an order that is a word", "2016;0", "2016;kyllä", "has_protection_order.type"),
        ("no word on an order", "2016;0", "2016;", "has_protection_order.required"),
    ):
        yield spoilt(RESIDENTS, what, swap(old, new, encoding="iso-8859-1"), rule_id)


def encounters() -> Iterator[Case]:
    for what, number, rule_id in (
        ("a fraction as a number", "1.5", "encounter_id.type"),
        ("an exponent", "1e3", "encounter_id.type"),
        ("a decimal comma in a whole number", "3,0", "encounter_id.type"),
        ("a hexadecimal number", "0x3", "encounter_id.type"),
        ("more than 64 bits", "9223372036854775808", "encounter_id.type"),
        ("a blank before a number", " 3", "encounter_id.type"),
        ("a thousands separator", "3 000", "encounter_id.type"),
        ("digits of another script", "٣", "encounter_id.type"),
        ("no key", "", "encounter_id.required"),
        ("a negative key", "-3", "encounter_id.minimum"),
    ):
        yield spoilt(ENCOUNTERS, what, swap(f"{RECORD};", f"{number};"), rule_id)
    for what, minutes, rule_id in (
        ("a decimal point", "12.5", "duration_minutes.type"),
        ("two decimals", "12,55", "duration_minutes.type"),
        ("a blank as thousands separator", "1 200,5", "duration_minutes.type"),
        ("a point as thousands separator", "1.200,5", "duration_minutes.type"),
        ("a blank before a decimal", " 12,5", "duration_minutes.type"),
        ("a comma without decimals", "12,", "duration_minutes.type"),
        ("a decimal with exponent", "1,2e3", "duration_minutes.type"),
        ("not a number", "NaN", "duration_minutes.type"),
        ("more digits than the type has", "1234567,8", "duration_minutes.type"),
        ("more than a day", "1440,1", "duration_minutes.maximum"),
        ("less than nothing", "-0,1", "duration_minutes.minimum"),
    ):
        yield spoilt(ENCOUNTERS, what, swap("12,5", minutes), rule_id)
    for what, moment, rule_id in (
        ("30 February", "2018-02-30 09:00:00", "started_at.type"),
        ("a time with T", "2018-01-03T09:00:00", "started_at.type"),
        ("24 o'clock", "2018-01-03 24:00:00", "started_at.type"),
        ("a leap second", "2018-01-03 09:00:60", "started_at.type"),
        ("a time without seconds", "2018-01-03 09:00", "started_at.type"),
        ("a time with zone", "2018-01-03 09:00:00+02", "started_at.type"),
        ("a fraction of a second", "2018-01-03 09:00:00.5", "started_at.type"),
        ("a Finnish time", "3.1.2018 09:00:00", "started_at.type"),
        ("a date alone", "2018-01-03", "started_at.type"),
        ("infinity as a time", "infinity", "started_at.type"),
        ("a start in 1066", "1066-01-03 09:00:00", "started_at.minimum"),
        ("an hour that was skipped", "2017-03-26 03:30:00", "started_at.missing_hour"),
    ):
        yield spoilt(ENCOUNTERS, what, swap("2018-01-03 09:00:00", moment), rule_id)
    late = swap("2018-01-03 09:00:00;2018-01-03 09:20:00", "2066-01-03 09:00:00;")
    yield spoilt(ENCOUNTERS, "a start in 2066", late, "started_at.not_after_delivery")
    two = swap(f"{CODES[2]};S1;", ";;")
    yield spoilt(ENCOUNTERS, "two rules at once", two, "person_id.required", "site_id.required")


def lines() -> Iterator[Case]:
    for what, whole in (
        ("a line that is no JSON", "L3;reception;2018-01-03"),
        ("a line cut off", '{"enrolmentId": "L3", "service'),
        ("an array", '[{"enrolmentId": "L3"}]'),
        ("a string", '"L3"'),
        ("a number", "3"),
        ("null", "null"),
        ("an empty object", "{}"),
        ("two objects", '{"enrolmentId": "L3"} {"enrolmentId": "L4"}'),
        ("brackets without end", "[" * 100_000),
        ("a line of nothing", ""),
        ("a line of blanks", "   "),
    ):
        rules = (BROKEN,) if whole != "{}" else REQUIRED_ENROLMENT
        lines = ENROLMENTS.text.splitlines(keepends=True)
        lines[RECORD - 1] = f"{whole}\n"
        yield Case(ENROLMENTS, what, "".join(lines).encode(), rules)
    between = insert(b"\n", before_line=3)(ENROLMENTS.data)
    yield Case(ENROLMENTS, "an empty line between", between, (BROKEN,))
    after = ENROLMENTS.data + b"\n"
    yield Case(ENROLMENTS, "an empty line at the end", after, (BROKEN,), record_number=7)


def fields() -> Iterator[Case]:
    for what, old, new in (
        ("an unknown field", '{"enr', '{"phone": "040 1234567", "enr'),
        ("a field twice", '{"enr', '{"channel": "web", "enr'),
        ("a number in a text field", '"S1"', "17"),
        ("an object in a text field", '"S1"', '{"id": "S1"}'),
        ("an array in a text field", '"S1"', '["S1"]'),
        ("true in a text field", '"S1"', "true"),
        ("nested too deep to follow", '"S1"', "[" * 100_000 + "]" * 100_000),
        ("not a number", '"S1"', "NaN"),
        ("a lone surrogate", '"S1"', '"S\\ud800"'),
        ("a NUL character, escaped", '"S1"', '"S\\u00001"'),
        ("a tab, unescaped", '"S1"', '"S\t1"'),
        ("an unknown escape", '"S1"', '"S\\x31"'),
        ("single quotes", '"S1"', "'S1'"),
        ("an object that goes on", '"}', '"}}'),
    ):
        yield spoilt(ENROLMENTS, what, swap(old, new), BROKEN)
    day = swap('"2018-01-03"', "20180103")
    yield spoilt(ENROLMENTS, "a number as a date", day, BROKEN, "start_date.type")
    person = swap(f'"{CODES[2]}"', "30150900")
    yield spoilt(ENROLMENTS, "a number as a person", person, BROKEN, "person_id.identity_code")
    for what, old, new, rule_id in (
        ("a required field left out", '"siteId": "S1", ', "", "site_id.required"),
        ("a required field that is null", '"S1"', "null", "site_id.required"),
        ("a required field that is empty", '"S1"', '""', "site_id.required"),
        ("a Finnish date", '"2018-01-03"', '"3.1.2018"', "start_date.type"),
        ("a date without zeros", '"2018-01-03"', '"2018-1-3"', "start_date.type"),
        ("a time in place of a date", '"2018-01-03"', '"2018-01-03T00:00:00"', "start_date.type"),
        ("a service that is none", '"reception"', '"x-ray"', "service_code.valid_values"),
        ("an end before the start", "null", '"2018-01-03"', "end_date.after_start"),
    ):
        yield spoilt(ENROLMENTS, what, swap(old, new), rule_id)


REQUIRED_ENROLMENT = tuple(
    f"{name}.required"
    for name in (
        "enrolment_id",
        "person_id",
        "service_code",
        "provider_id",
        "site_id",
        "start_date",
        "updated_at",
    )
)
CASES = (*residents(), *encounters(), *lines(), *fields())


@pytest.fixture(scope="module")
def session(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Session]:
    with new_home(tmp_path_factory.mktemp("quarantined")) as opened:
        yield opened


@pytest.mark.parametrize(("number", "case"), list(enumerate(CASES)), ids=[c.id for c in CASES])
def test_a_bad_record_is_quarantined_by_rule_and_number(
    session: Session, number: int, case: Case
) -> None:
    form, lake = case.form, session.lake
    sequence = form.sequence(number)
    form.land(lake.settings.landing, sequence, case.data)
    said: list[str] = []

    ingested = pipeline.ingest(session, report=said.append)

    assert ingested.refusals == ()
    where = f"where delivery_sequence = {sequence}"
    left_out = lake.rows(
        f"select record_number, rule_id from ops.quarantine {where}"
        " and source || '/' || table_name = ? order by all",
        [form.key],
    )
    assert left_out == [(case.record_number, rule_id) for rule_id in sorted(case.rule_ids)]
    received = lake.count(
        f"select received_count from ops.delivery {where} and source || '/' || table_name = ?",
        [form.key],
    )
    table = f"staging.{form.contract.table}"
    kept = [n for (n,) in lake.rows(f"select record_number from {table} {where} order by all")]
    assert kept == [n for n in range(1, received + 1) if n != case.record_number]
    assert leaked(said, case.data, form.contract) == set()


def test_a_quarantined_record_is_shown_from_the_vault_as_it_was_sent(session: Session) -> None:
    number = next(n for n, c in enumerate(CASES) if c.what == "an American date")
    sha256 = session.lake.value(
        "select sha256 from ops.delivery where table_name = 'residents' and delivery_sequence = ?",
        [RESIDENTS.sequence(number)],
    )

    shown = show_record(
        session.blobs,
        session.identities,
        RESIDENTS.contract,
        sha256=sha256,
        record_number=RECORD,
        actor="tester",
        purpose="test",
        at=session.run.now(),
    )

    assert (shown["Henkilötunnus"], shown["Syntymäpäivä"]) == (CODES[RECORD - 1], "01/03/1950")


def test_after_all_bad_records_the_next_good_delivery_is_taken_in_whole(session: Session) -> None:
    for form in FORMS:
        form.land(session.lake.settings.landing, form.sequence(len(CASES)))

    ingested = pipeline.ingest(session, report=silent)

    accepted = {o.label.split()[0]: o.verdict.accepted for o in ingested.outcomes if o.verdict}
    assert accepted == {form.key: form.record_count for form in FORMS}


def test_the_register_holds_nothing_that_was_sent(session: Session) -> None:
    register = register_text(session.lake)
    planted = [*CODES, "Nimi Niminen", "310250-9002", "040 1234567", "01/03/1950", "1234567,8"]
    assert register
    assert [value for value in planted if value in register] == []
