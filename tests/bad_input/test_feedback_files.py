"""Scorecards and the portal's feedback as they should not be: refused, or a row's own fault.

Here: faults on the contracts of the feedback sources. Not here: faults of the formats as such
(`test_refused_documents`, `test_quarantined_records`).
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from openpyxl.worksheet.worksheet import Worksheet

from dagster_project.contracts.model import Contract
from dagster_project.errors import DeliveryRefused
from dagster_project.lake.connection import Lake
from dagster_project.pipeline import load_definition
from dagster_project.sources.text import MAX_LINE_BYTES
from tests.support.deliveries import Row, encode
from tests.support.identity import code
from tests.support.made_up import Taken, bare_lake, take
from tests.support.scorecard_files import INDICATORS, ROWS, SEQUENCE, SHEETS, STAFF, scorecard
from tests.support.workbook_files import rewritten

HEALTH, FLAGS = "enrolment_portal/health_survey", "enrolment_portal/flags"
PERSON = "Meikäläinen"
MAY, MARCH, OCTOBER = 201805, 201803, 201710
Change = Callable[[Worksheet], None]


def contract(key: str) -> Contract:
    return load_definition().catalogue.latest(key)


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lake]:
    """As much of a lake as the gate needs, where three people are known."""
    with bare_lake(tmp_path_factory.mktemp("feedback")) as opened:
        for number in range(3):
            opened.execute("insert into identity_map values (?, ?)", [code(number), number])
        yield opened


@pytest.fixture
def taken(lake: Lake, tmp_path: Path) -> Any:
    def taken(key: str, data: bytes, sequence: int) -> Taken:
        path = tmp_path / "delivery"
        path.write_bytes(data)
        return take(lake, contract(key), path, sequence=sequence)

    return taken


# Workbooks.


def cell(place: str, value: Any) -> Change:
    def change(page: Worksheet) -> None:
        page[place] = value
        if not isinstance(value, date):
            page[place].number_format = "General"

    return change


def unmerged(cells: str) -> Change:
    return lambda page: page.unmerge_cells(cells)


def merged(cells: str) -> Change:
    return lambda page: page.merge_cells(cells)


@pytest.mark.parametrize("key", [INDICATORS, STAFF])
def test_one_workbook_serves_both_contracts_each_by_its_own_sheet(taken: Any, key: str) -> None:
    found = taken(key, scorecard(), SEQUENCE)
    assert found.broken == {}
    names = [c.name for c in contract(key).columns]
    rows = [dict(zip(names, row, strict=True)) for row in found.rows]
    assert [r[names[5]] for r in rows] == [row[0] for row in ROWS[key]]
    assert {r["provider_id"] for r in rows} == {"Y001"}
    assert {(r["reported_from_date"], r["period_end_date"]) for r in rows} == {
        (date(2017, 5, 1), date(2017, 9, 30))
    }


@pytest.mark.parametrize("key", [INDICATORS, STAFF])
@pytest.mark.parametrize("title", ["Taul1", "Henkilosto", f"Taulu {PERSON}"])
def test_a_sheet_renamed_or_missing_refuses_its_own_contract_alone(
    taken: Any, key: str, title: str
) -> None:
    data = scorecard(titles={key: title})
    with pytest.raises(DeliveryRefused) as caught:
        taken(key, data, SEQUENCE)
    assert caught.value.rule_id == "file.sheet"
    assert SHEETS[key] in str(caught.value)
    assert PERSON not in str(caught.value)
    other = STAFF if key == INDICATORS else INDICATORS
    assert taken(other, data, SEQUENCE).broken == {}


@pytest.mark.parametrize(
    ("key", "change", "rule", "place"),
    [
        (INDICATORS, unmerged("E8:G8"), "file.header", "F8"),
        (INDICATORS, merged("A9:B9"), "file.header", "B8"),
        (INDICATORS, cell("H8", "Mittayksikkö"), "file.header", "H8"),
        (INDICATORS, cell("A8", None), "file.header", "A8"),
        (STAFF, unmerged("D8:G8"), "file.header", "E8"),
        (STAFF, cell("D9", PERSON), "file.header", "D8"),
        (STAFF, cell("I10", PERSON), "file.columns", "I10"),
    ],
)
def test_another_header_is_refused_by_sheet_and_cell(
    taken: Any, key: str, change: Change, rule: str, place: str
) -> None:
    with pytest.raises(DeliveryRefused) as caught:
        taken(key, scorecard(change={key: change}), SEQUENCE)
    assert (caught.value.rule_id, caught.value.cell) == (rule, f"{SHEETS[key]}!{place}")
    assert f", cell {caught.value.cell}]" in str(caught.value)
    assert PERSON not in str(caught.value)


@pytest.mark.parametrize("error", ["#DIV/0!", "#REF!", "#N/A"])
def test_an_error_in_a_formula_is_refused(taken: Any, error: str) -> None:
    data = rewritten(
        scorecard(),
        (
            '<c r="G10"><f>ROUND(E10/F10*100,2)</f><v>50</v>',
            f'<c r="G10" t="e"><f>A</f><v>{error}</v>',
        ),
    )
    with pytest.raises(DeliveryRefused) as caught:
        taken(INDICATORS, data, SEQUENCE)
    found = caught.value
    assert (found.rule_id, found.line, found.column, found.cell) == (
        "file.formula_error",
        10,
        "Toteuma / Arvo",
        "Indikaattorit!G10",
    )


def test_a_formula_without_its_value_is_refused(taken: Any) -> None:
    data = rewritten(
        scorecard(), ("<f>ROUND(E10/F10*100,2)</f><v>50</v>", "<f>ROUND(E10/F10*100,2)</f><v />")
    )
    with pytest.raises(DeliveryRefused) as caught:
        taken(INDICATORS, data, SEQUENCE)
    assert caught.value.rule_id == "file.formula_uncached"


@pytest.mark.parametrize(
    ("key", "place", "value", "broken"),
    [
        (INDICATORS, "F11", "ks. liite", {"reported_denominator.type", "row.measured_has_value"}),
        (INDICATORS, "G11", "6,5", {"reported_value.type", "row.measured_has_value"}),
        (INDICATORS, "C11", 42_856, {"period_start_date.type"}),
        (INDICATORS, "D11", "30.9.2017", {"period_end_date.type"}),
        (INDICATORS, "D11", date(2017, 12, 31), {"period_end_date.not_after_workbook"}),
        (INDICATORS, "H11", "vrk", {"unit_code.valid_values"}),
        (INDICATORS, "A11", None, {"indicator_code.required"}),
        (INDICATORS, "A11", "nps", {"primary_key.duplicate"}),
        (INDICATORS, "G11", 7.0, {"reported_value.is_its_parts"}),
        # A per cent written as a fraction; a numerator above its denominator.
        (INDICATORS, "G13", 0.8, {"reported_value.in_per_cent", "reported_value.is_its_parts"}),
        (INDICATORS, "E13", 12, {"row.part_of_whole", "reported_value.is_its_parts"}),
        # An indicator that nobody knows: a warning, and a row of mart.scorecard_comparison.
        (INDICATORS, "A13", "hba1c", {"indicator_code.valid_values"}),
        (STAFF, "D11", "kymmenen", {"start_staff_count.type"}),
        (STAFF, "D11", 10.5, {"start_staff_count.type"}),
        (STAFF, "G11", 12, {"end_staff_count.adds_up"}),
        (STAFF, "F11", -1, {"left_staff_count.minimum", "end_staff_count.adds_up"}),
        (STAFF, "A11", "johtaja", {"profession_group_code.valid_values"}),
    ],
)
def test_a_cell_at_fault_is_its_rows_own(
    taken: Any, key: str, place: str, value: object, broken: set[str]
) -> None:
    found = taken(key, scorecard(change={key: cell(place, value)}), SEQUENCE)
    of_record = 1 if broken == {"primary_key.duplicate"} else int(place[1:]) - 9
    assert found.broken == {of_record: broken}


@pytest.mark.parametrize(
    ("key", "rule", "place"),
    [
        (INDICATORS, "reported_value.in_per_cent", "sheet Indikaattorit, Toteuma / Arvo"),
        (INDICATORS, "provider_id.required", "sheet Indikaattorit, cell:B2"),
        (INDICATORS, "row.part_of_whole", "sheet Indikaattorit"),
        (STAFF, "left_staff_count.minimum", "sheet Henkilöstö, Henkilöstö / Lähteneet"),
        (FLAGS, "topic_code.valid_values", ""),
    ],
)
def test_a_rule_of_a_workbook_is_told_by_sheet_and_heading(key: str, rule: str, place: str) -> None:
    assert contract(key).place_of(rule) == place


@pytest.mark.parametrize(
    ("place", "value", "rule"),
    [
        ("B2", None, "provider_id.required"),
        ("B3", "toukokuu", "reported_from_date.type"),
        ("B4", date(2017, 12, 31), "reported_to_date.is_of_delivery"),
        ("B5", 43_018, "prepared_date.type"),
    ],
)
def test_a_fault_above_the_table_is_every_rows(
    taken: Any, place: str, value: object, rule: str
) -> None:
    found = taken(INDICATORS, scorecard(change={INDICATORS: cell(place, value)}), SEQUENCE)
    assert found.broken.keys() == set(range(1, len(ROWS[INDICATORS]) + 1))
    assert all(rule in rules for rules in found.broken.values())


def test_a_workbook_of_another_quarter_is_quarantined_whole(taken: Any) -> None:
    found = taken(INDICATORS, scorecard(), 2017411)
    assert all("reported_to_date.is_of_delivery" in rules for rules in found.broken.values())
    assert len(found.broken) == len(ROWS[INDICATORS])


# The portal's records.


def form(number: int, answered: datetime, **others: Any) -> Row:
    row: Row = {
        "answer_set_id": f"T{number}",
        "person_id": code(number),
        "provider_id": "Y001",
        "answered_at": answered,
        "language_code": "fi",
        "instrument_code": "PROMIS-10",
        "instrument_version": "1.2",
        "round_number": 0,
        **{f"global{n:02}": 3 for n in range(1, 11)},
        "updated_at": answered,
    }
    return {**row, **others}


def flag(number: int, raised: datetime, **others: Any) -> Row:
    row: Row = {
        "flag_id": f"F{number}",
        "role_code": "client",
        "person_id": code(number),
        "provider_id": "Y001",
        "site_id": "S1",
        "topic_code": "access",
        "severity_code": "minor",
        "raised_at": raised,
        "message_text": f"{PERSON} odotti",
        "language_code": "fi",
        "sentiment_code": "negative",
        "flag_state_code": "open",
        "updated_at": raised,
    }
    return {**row, **others}


RECORDS: dict[str, Callable[[int, datetime], Row]] = {HEALTH: form, FLAGS: flag}
MOMENT = {HEALTH: "answered_at", FLAGS: "raised_at"}


def lines(key: str, at: datetime = datetime(2018, 5, 2, 9)) -> list[bytes]:
    rows = [RECORDS[key](number, at) for number in range(3)]
    return encode(contract(key), rows).splitlines(keepends=True)


def spoilt(key: str, change: Callable[[dict[str, Any]], None]) -> bytes:
    """Three records, the second of them changed."""
    first, second, third = lines(key)
    record = json.loads(second)
    change(record)
    return b"".join((first, json.dumps(record).encode() + b"\n", third))


@pytest.mark.parametrize("key", RECORDS)
@pytest.mark.parametrize(
    "bad", [b"{\n", b"[]\n", b"\n", b"F1;avoin\n", b'{"flagId": "F1", "flagId": "F2"}\n']
)
def test_a_broken_line_is_a_record_of_its_own(taken: Any, key: str, bad: bytes) -> None:
    first, _, third = lines(key)
    found = taken(key, first + bad + third, MAY)
    nothing_said = {"row.something_answered"} if key == HEALTH else set()
    assert found.broken == {2: {"row.broken"} | nothing_said}
    assert len(found.rows) == 3


@pytest.mark.parametrize(
    ("key", "change", "broken"),
    [
        (HEALTH, lambda r: r["answers"].update(Global01=3), None),
        (HEALTH, lambda r: r["answers"].update(Global01=3.5), {"global01.type"}),
        (HEALTH, lambda r: r["answers"].update(Global01=True), {"row.broken", "global01.type"}),
        (HEALTH, lambda r: r["answers"].update(Global01={"a": 1}), {"row.broken", "global01.type"}),
        (HEALTH, lambda r: r["answers"].update(Global07="11"), {"global07.maximum"}),
        (HEALTH, lambda r: r.update(answers={}), {"row.something_answered"}),
        (HEALTH, lambda r: r.update(answers="3,4,3"), {"row.something_answered"}),
        (
            HEALTH,
            lambda r: r.update(respondent=None),
            {"person_id.required", "provider_id.required"},
        ),
        (HEALTH, lambda r: r.update(phone="040"), {"row.broken"}),
        (FLAGS, lambda r: r["client"].update(personalIdentityCode=None), {"row.client_is_named"}),
        (FLAGS, lambda r: r.update(client=None), {"row.client_is_named"}),
        (FLAGS, lambda r: r["message"].update(text=5), {"row.broken"}),
        (FLAGS, lambda r: r["message"].update(language="suomi"), {"language_code.pattern"}),
        (FLAGS, lambda r: r.update(raisedAt=20180502), {"row.broken", "raised_at.type"}),
        (FLAGS, lambda r: r.update(raisedAt="2018-05-02T09:00:00Z"), {"raised_at.type"}),
    ],
)
def test_a_wrong_type_is_its_records_own_fault(
    taken: Any, key: str, change: Callable[[dict[str, Any]], None], broken: set[str] | None
) -> None:
    found = taken(key, spoilt(key, change), MAY)
    assert found.broken == ({2: broken} if broken else {})


@pytest.mark.parametrize("key", RECORDS)
def test_a_huge_line_refuses_the_file_by_its_number(taken: Any, key: str) -> None:
    first, _, third = lines(key)
    huge = json.dumps({"message": {"text": PERSON * (MAX_LINE_BYTES // 8)}}).encode() + b"\n"
    with pytest.raises(DeliveryRefused) as caught:
        taken(key, first + huge + third, MAY)
    assert (caught.value.rule_id, caught.value.line) == ("file.line_size", 2)
    assert PERSON not in str(caught.value)


@pytest.mark.parametrize("key", RECORDS)
def test_of_the_doubled_hour_the_first_is_taken_and_the_missing_one_is_none(
    taken: Any, key: str
) -> None:
    column = [c.name for c in contract(key).columns].index(MOMENT[key])
    doubled = taken(key, b"".join(lines(key, datetime(2017, 10, 29, 3, 30))), OCTOBER)
    assert doubled.broken == {}
    assert {row[column] for row in doubled.rows} == {datetime(2017, 10, 29, 0, 30)}
    missing = taken(key, b"".join(lines(key, datetime(2018, 3, 25, 3, 30))), MARCH)
    rules = {f"{MOMENT[key]}.missing_hour", "updated_at.missing_hour"}
    assert missing.broken == dict.fromkeys((1, 2, 3), rules)
